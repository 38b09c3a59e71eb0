"""HTTP itself as a weapon: smuggled requests, bodies that are bombs, halves of characters in every field."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.raw import spoken, status
from tests.trust.conftest import Counted
from tests.trust.people import Developer, EndUser, bearer, developers_token
from tests.trust.product import Product
from tests.trust.registry import ROUTES, Asked, Door

pytestmark = pytest.mark.asyncio(loop_scope="session")

SMUGGLED = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /api/data HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# Each is a request whose end two parsers could see in two places; behind it comes one that must not be answered.
AMBIGUOUS: dict[str, bytes] = {
    "length and chunks": POST + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks and length": POST + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 34\r\n\r\n",
    "two lengths in one": POST + b"Content-Length: 0, 34\r\n\r\n",
    "length with a sign": POST + b"Content-Length: +0\r\n\r\n",
    "length with a minus": POST + b"Content-Length: -1\r\n\r\n",
    "length in hex": POST + b"Content-Length: 0x0\r\n\r\n",
    "length too large": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "chunked behind a blank": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "length behind a blank": POST + b"Content-Length : 0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked misspelt": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + CHUNKED + b"Transfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "chunk size with a blank": POST + CHUNKED + b"\r\n 0\r\n\r\n",
    "chunk size in another base": POST + CHUNKED + b"\r\n0x0\r\n\r\n",
    "chunk size with a sign": POST + CHUNKED + b"\r\n+0\r\n\r\n",
    "chunk size too large": POST + CHUNKED + b"\r\nfffffffffffffffffffff\r\n\r\n",
    "chunk size without its line": POST + CHUNKED + b"\r\n0\n\n",
    "chunk without its end": POST + CHUNKED + b"\r\n1\r\naX0\r\n\r\n",
    "folded header": POST + b"X-A: b\r\n Content-Length: 0\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
    "header without a name": POST + b": 0\r\n\r\n",
    "header without a colon": POST + b"Content-Length 0\r\n\r\n",
    "zero byte in a header": POST + b"X-A: a\0b\r\n\r\n",
    "line break alone": POST + b"X-A: a\nContent-Length: 0\r\r\n\r\n",
    "carriage return alone": POST + b"X-A: a\rContent-Length: 0\r\n\r\n",
    "no version": b"POST /api/data\r\n\r\n",
    "another version": b"POST /api/data HTTP/9.9\r\nHost: a\r\n\r\n",
    "method with a line break": b"PO\nST /api/data HTTP/1.1\r\nHost: a\r\n\r\n",
    "blank in the address": b"POST /api/da ta HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n",
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40,
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
async def test_a_request_whose_end_is_in_doubt_smuggles_no_second_one(
    there: Product, kind: str, counted: Counted
) -> None:
    url = urlsplit(there.urls["tenant_api"])
    answered = await spoken(("127.0.0.1", url.port or 0), AMBIGUOUS[kind] + SMUGGLED, silence=0.5)
    assert b'{"status":"ok"}' not in answered
    assert answered.count(b"HTTP/1.1 ") <= 1
    assert status(answered) in {0, 400, 401, 404, 405}
    counted("attacks: smuggled requests, none answered", 1)


ODD_TEXTS = (
    *("\ud800", "\ud800@example.com", "\0", "a\0@example.com", "", " ", "x" * 60_000, "\u202e", "\r\nX: y", "null"),
    *("a@b@c", "a\n@example.com", "<script>@example.com", "\uffff", "é" * 5000),
)
BOMBS = (
    *(b"[" * 60_000, b'{"a":' * 12_000, b'{"units":' + b"9" * 60_000 + b"}", b'{"units":1e99999}', b'{"units":-0.0}'),
    *(b'{"units":1,"units":2}', b'{"units":NaN}', b"\xef\xbb\xbf{}", b'{"\\ud800":1}', b'"\\ud800"', b"\0" * 60_000),
    *(b'{"a":"' + b"\\u0000" * 9_000 + b'"}', b"{" + b'"a":1,' * 9_000 + b'"b":1}', b"[" + b"[]," * 19_000 + b"[]]"),
)


def bodies(good: Any) -> list[bytes]:
    """The route's own body with every text in it replaced by each odd one, and the bombs."""
    odd = list(BOMBS)
    for name, value in good.items() if isinstance(good, dict) else ():
        for text in ODD_TEXTS:
            odd.append(json.dumps(good | {name: text}).encode())
            if isinstance(value, list) and value and isinstance(value[0], dict):
                odd += [json.dumps(good | {name: [value[0] | {inner: text}]}).encode() for inner in value[0]]
            elif isinstance(value, list):
                odd.append(json.dumps(good | {name: [text]}).encode())
    return odd


BODIED = [one for one in ROUTES if one.method in {"POST", "PUT"} and one.entry.door is not Door.SIGNED]


@pytest.mark.parametrize("route", BODIED, ids=str)
async def test_no_body_is_a_bomb_and_no_text_in_one_breaks_anything(
    there: Product, attacker: Developer, victim: EndUser, route: Asked, counted: Counted
) -> None:
    door, failed, slowest = route.entry.door, [], 0.0
    credential = attacker.key if door in {Door.END_USER, Door.PLATFORM} else developers_token("user_of_odd_texts")
    if door is Door.PERSON:
        credential = victim.token()
    given = bodies(route.entry.json)
    for body in given:
        sent = route.about(attacker.platform_id, "user_odd") | {"content": body}
        sent.pop("json", None)
        sent["headers"] |= bearer(credential)
        began = time.process_time()
        answer = await there.ask(**sent)
        slowest = max(slowest, time.process_time() - began)
        if answer.status_code >= 500:
            failed.append((body[:100], answer.text))
    assert failed == []
    assert slowest < 2.0  # seconds of this process's own work; a bomb takes many
    counted("attacks: bodies that are bombs or odd, none a 5xx", len(given))

"""What every answer of every route says to browsers and caches, and that no address a caller names is ever fetched."""

import json
from secrets import token_hex

import pytest

from tests.trust.conftest import Counted
from tests.trust.people import Developer, EndUser, bearer
from tests.trust.product import PLATFORM_PAGES, Product
from tests.trust.registry import ROUTES, Asked, Door
from tests.trust.trap import set_up

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL_ORIGINS = (
    *("https://evil.example", "null", PLATFORM_PAGES + ".evil.example", PLATFORM_PAGES + ":444"),
    *(PLATFORM_PAGES.replace("https", "http"), "https://evil.example/" + PLATFORM_PAGES, PLATFORM_PAGES.upper(), ""),
)
FILES = frozenset({"/static/{version}/{file:path}", "/pages/{version}/{file:path}"})


def credential(route: Asked, attacker: Developer, rival: Developer, victim: EndUser) -> str:
    doors = {Door.END_USER: attacker.key, Door.PLATFORM: attacker.key, Door.PERSON: victim.token()}
    return doors.get(route.entry.door, rival.token())


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_no_answer_may_be_kept_framed_or_sniffed_with_or_without_a_credential(
    there: Product, attacker: Developer, rival: Developer, victim: EndUser, route: Asked, counted: Counted
) -> None:
    good = credential(route, attacker, rival, victim)
    for headers in ({}, bearer(good), bearer("x"), bearer(good) | {"Origin": "https://evil.example"}):
        sent = route.about(attacker.platform_id, "user_frame")
        sent["headers"] |= headers
        answer = await there.ask(**sent)
        told = answer.headers
        if route.route not in FILES:
            assert "no-store" in told["Cache-Control"] or route.entry.door is Door.PUBLIC
        assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
        assert told["X-Content-Type-Options"] == "nosniff"
        assert told["Referrer-Policy"] in {"no-referrer", "strict-origin-when-cross-origin"}
        assert "max-age=31536000" in told["Strict-Transport-Security"]
        assert "Server" not in told
    counted("frame: answers whose headers were checked", 4)


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_no_foreign_page_may_read_an_answer_with_somebodys_cookies(
    there: Product, attacker: Developer, rival: Developer, victim: EndUser, route: Asked, counted: Counted
) -> None:
    for origin in EVIL_ORIGINS:
        sent = route.about(attacker.platform_id, "user_cors")
        asked = {"Origin": origin, "Access-Control-Request-Method": route.method}
        preflight = await there.ask(**sent | {"method": "OPTIONS", "headers": asked, "json": None})
        sent["headers"] |= bearer(credential(route, attacker, rival, victim)) | {"Origin": origin}
        answer = await there.ask(**sent)
        for one in (preflight, answer):
            allowed = one.headers.get("Access-Control-Allow-Origin")
            if route.service == "tenant_api" or route.entry.door is Door.PUBLIC:
                # Any page may ask with a credential of its own; no browser adds one, as there are no cookies.
                assert allowed in {None, "*"}
                assert route.service != "tenant_api" or "Access-Control-Allow-Credentials" not in one.headers
            else:
                assert allowed is None, (origin, allowed)
        assert not answer.headers.get("Set-Cookie") or route.entry.door in {Door.DEVELOPER, Door.HANDSHAKE}
    counted("frame: origins refused", len(EVIL_ORIGINS))


async def test_no_address_that_a_caller_names_is_ever_fetched(
    there: Product, attacker: Developer, rival: Developer, victim: EndUser, counted: Counted
) -> None:
    cases = 0
    async with set_up() as trap:
        for route in ROUTES:
            sent = route.about(attacker.platform_id, trap.url)
            names = ("Host", "Origin", "Referer", "X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Original-URL")
            sent["headers"] |= dict.fromkeys(names, trap.url) | bearer(credential(route, attacker, rival, victim))
            body = sent.get("json") or {}
            named = ("url", "successUrl", "cancelUrl", "returnUrl", "callback", "email", "name", "origins", "tier")
            for changed in ({}, *({name: trap.url} for name in named if name in body or name.endswith("Url"))):
                sent["params"] = dict(sent.get("params", {})) | {"return_to": trap.url, "url": trap.url}
                await there.ask(**sent | ({"json": body | changed} if route.method != "GET" else {}))
                cases += 1
        assert trap.hits == 0
    counted("attacks: addresses named by callers, none fetched", cases)


REDIRECTS = (
    *("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example"),
    *("https:/evil.example", "https:///evil.example", "http://api.example.com", "https://api.example.com@evil.example"),
    *("https://api.example.com.evil.example", "https://evil.example#https://api.example.com", "javascript:alert(1)"),
    *(
        "https://api.example.com\\@evil.example",
        "https://api.example.com:444",
        "data:text/html,x",
        "ftp://api.example.com",
    ),
    *("https://api.example.com%2eevil.example", "https://api.example.com\t.evil.example", " https://evil.example"),
    *("https://api.example.com\r\nX: y", "https://[::1]", "https://api.example.com:port", "https://", "x" * 3000),
    *("https://api.example.c\u043em", "https://api.example.com\u3002evil.example", "HTTPS://EVIL.EXAMPLE", "\ud800"),
)


@pytest.mark.parametrize("where", ["successUrl", "cancelUrl", "returnUrl"])
async def test_nobody_is_led_away_after_paying(there: Product, victim: EndUser, where: str, counted: Counted) -> None:
    led_away = []
    for address in REDIRECTS:
        path = "/api/customer-portal" if where == "returnUrl" else "/api/create-checkout"
        body = {where: address} | ({} if where == "returnUrl" else {"tier": "pro"})
        answer = await there.ask("tenant_api", "POST", path, content=json.dumps(body), headers=bearer(victim.token()))
        if answer.status_code != 400:
            led_away.append((address, answer.status_code, answer.text))
    assert led_away == []
    counted("attacks: ways to lead somebody away, refused", len(REDIRECTS))


async def test_a_key_in_an_address_is_no_credential(there: Product, attacker: Developer) -> None:
    for name in ("key", "api_key", "access_token", "token", "authorization"):
        asked = {"params": {name: attacker.key}, "headers": {"X-User-Id": token_hex(4)}}
        answer = await there.ask("tenant_api", "GET", "/api/usage", **asked)
        assert answer.status_code == 401

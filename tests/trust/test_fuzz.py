"""Whatever is sent, no route answers 5xx, splits its answer or stays silent: Hypothesis over raw sockets.

`EFFORT=100 make test ARGS=tests/trust/test_fuzz.py` tries more of each route.
"""

import asyncio
import json
import string
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import examples
from tests.raw import spoken, status
from tests.trust.conftest import Counted
from tests.trust.people import Developer
from tests.trust.product import Product
from tests.trust.registry import ROUTES, Asked, Door

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLES = examples(5)
TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
# What has broken others: other alphabets, separators of lines, halves of characters, numbers too large, markup.
NASTY = (
    *("", "\0", "\r\nX-Injected: 1", "\u2028{}", "\ud800", "\uffff", "\x1b[31m", "a" * 3000, "é" * 300, "日本"),
    *("../../etc/passwd", "%2e%2e%2f", "${jndi:ldap://127.0.0.1/x}", "' OR 1=1 --", "<script>alert(1)</script>"),
    *("plt_" + "0" * 32, "plt_" + "0" * 31 + "\n", "user:x", "usage:plt_1:a", "__proto__", "{{7*7}}", "-1", "1e999"),
)
TEXT = st.sampled_from(NASTY) | st.text(max_size=40)
NUMBERS = st.integers() | st.sampled_from([10**400, -(10**30), 2**63, 2**31, 0, -1]) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
BYTES = st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\r\n\0"))
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *(b"X-User-Id", b"X-User-Plan", b"Idempotency-Key", b"X-Request-Id", b"Origin", b"Cookie"),
                *(b"Stripe-Signature", b"X-Forwarded-For", b"X-Forwarded-Host", b"Range", b"If-None-Match"),
                *(b"Github-Public-Key-Identifier", b"Github-Public-Key-Signature"),
                *(b"Accept", b"Accept-Encoding", b"Expect", b"Content-Type", b"Access-Control-Request-Method"),
            ]
        )
        | st.text(TOKEN, min_size=1, max_size=12).map(str.encode),
        BYTES | TEXT.map(lambda text: text.encode("utf-8", "surrogatepass").translate(None, b"\r\n\0")),
    ),
    max_size=4,
)


@st.composite
def bodies(draw: st.DrawFn, good: Any) -> bytes:
    """A good body with one member changed, any JSON, or any bytes."""
    if isinstance(good, dict) and draw(st.booleans()):
        changed = dict(good)
        changed[draw(st.sampled_from([*good, "x"]))] = draw(JSON)
        return json.dumps(changed).encode("utf-8", "surrogatepass")
    return draw(JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")) | st.binary(max_size=80))


@st.composite
def requests(draw: st.DrawFn, route: Asked, credentials: list[str]) -> bytes:
    """One request to the route, most of it right, so that it comes far."""
    sent = route.about(draw(TEXT), draw(TEXT))
    path = quote(sent["path"], safe="/", errors="surrogatepass") if draw(st.booleans()) else sent["path"]
    asked = {**sent.get("params", {}), **draw(st.dictionaries(TEXT, TEXT, max_size=2))}
    query = "&".join(f"{quote(a, errors='surrogatepass')}={quote(b, errors='surrogatepass')}" for a, b in asked.items())
    target = f"{path}?{query}".encode("utf-8", "surrogatepass").translate(None, b"\r\n \0\t")
    method = route.method if draw(st.integers(0, 5)) else draw(st.sampled_from(["PUT", "PATCH", "DELETE", "OPTIONS"]))
    body = draw(bodies(sent.get("json"))) if draw(st.booleans()) or route.method != "GET" else b""
    headers = draw(HEADERS)
    if draw(st.integers(0, 4)):
        headers.append((b"Authorization", b"Bearer " + draw(st.sampled_from(credentials)).encode()))
    known = {name.lower() for name, _ in headers}
    for name in sent["headers"]:
        if name.lower().encode() not in known:
            headers.append((name.encode(), draw(TEXT).encode("utf-8", "surrogatepass").translate(None, b"\r\n\0")))
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    start = method.encode() + b" " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    return start + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("route", [one for one in ROUTES if one.route != "/health"], ids=str)
async def test_no_route_fails_on_anything(
    there: Product, attacker: Developer, rival: Developer, route: Asked, counted: Counted
) -> None:
    url = urlsplit(there.urls[route.service])
    address, tried = ("127.0.0.1", url.port or 0), 0
    good = rival.token() if route.entry.door is Door.DEVELOPER else attacker.key

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(requests(route, [good, good, "x", "pk_live_" + "x" * 49, "a.b.c"]))
    async def answered_well(request: bytes) -> None:
        nonlocal tried
        for _ in range(3):
            answered = await spoken(address, request, silence=15)
            if b'"unavailable"' not in answered:  # a slow engine, which a caller asks again
                break
        assert 100 <= status(answered) < 500, (request, answered)
        assert b"x-injected" not in answered.partition(b"\r\n\r\n")[0].lower(), (request, answered)
        tried += 1

    await run(answered_well)
    counted("fuzz: requests without a 5xx", tried)


async def run(test: Any) -> None:
    """Hypothesis drives its test from a thread; each example runs in this loop, where the product is served."""
    loop = asyncio.get_running_loop()
    inner = test.hypothesis.inner_test
    test.hypothesis.inner_test = lambda *given_, **named: asyncio.run_coroutine_threadsafe(
        inner(*given_, **named), loop
    ).result(60)
    await asyncio.to_thread(test)

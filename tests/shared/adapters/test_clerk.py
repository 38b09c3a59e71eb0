"""Tokens: every forgery is refused, and no key that is known ever waits for one that is not. Refusals first."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shared.adapters.clerk import ClerkUsers, KeySet, TokenVerifier, clerk_http
from shared.domain.errors import NotFound, Unauthenticated, Unavailable
from tests.clocks import Monotonic, SetClock
from tests.serving import serving
from tests.tokens import Issuer, segment

CLOCK = SetClock()
NOW = CLOCK().timestamp()


@asynccontextmanager
async def verifying(issuer: Issuer) -> AsyncIterator[TokenVerifier]:
    async with serving(issuer.app) as url, clerk_http() as http:
        verifier = TokenVerifier(issuer.clerk_app(url), http, CLOCK)
        yield verifier
        await verifier.close()


def forged(issuer: Issuer) -> dict[str, str]:
    """Every kind of bad token, by its name."""

    def made(**changed: Any) -> str:
        return issuer.token(**{"now": NOW, **changed})

    good = made()
    head, body, signature = good.split(".")
    stranger = Issuer(issuer.kid)
    stranger.url = issuer.url
    deep = segment(b'{"a":' * 3000 + b"1" + b"}" * 3000)
    return {
        "empty": "",
        "garbage": "garbage",
        "two parts": f"{head}.{body}",
        "five parts": f"{good}.x.y",
        "empty parts": "..",
        "non-ascii": "é.é.é",
        "no base64": f"{head}.!!!.{signature}",
        "header no json": f"{segment(b'{')}.{body}.{signature}",
        "header a list": f"{segment(b'[]')}.{body}.{signature}",
        "deep body": f"{head}.{deep}.{signature}",
        "deep header": f"{deep}.{body}.{signature}",
        "oversized": made(filler="x" * 9000),
        "changed body": f"{head}.{segment(json.dumps({'sub': 'user_2'}).encode())}.{signature}",
        "no signature": f"{head}.{body}.",
        "another key of the same kid": stranger.token(now=NOW),
        "none": made(alg="none"),
        "public key as hmac secret": made(alg="HS256"),
        "hs256 named only": made(header={"alg": "HS256"}),
        "crit": made(header={"crit": ["exp"]}),
        "access token": made(header={"typ": "at+jwt"}),
        "machine category": made(header={"cat": "cl_B7d4PD333AAA"}),
        "list category": made(header={"cat": ["cl_B7d4PD111AAA"]}),
        "list kid": made(header={"kid": [issuer.kid]}),
        "no kid": made(header={"kid": None}),
        "unknown kid": made(kid="ins_unknown"),
        "wrong issuer": made(iss="https://clerk.evil.example.com"),
        "list issuer": made(iss=[issuer.url]),
        "expired": made(now=NOW - 120),
        "just expired": made(exp=NOW - 5),
        "no exp": made(without=("exp",)),
        "null exp": made(exp=None),
        "infinite exp": made(exp=float("inf")),
        "text exp": made(exp=str(int(NOW + 60))),
        "true exp": made(exp=True),
        "no nbf": made(without=("nbf",)),
        "not yet": made(nbf=NOW + 30),
        "not yet, by a moment": made(nbf=NOW + 6),
        "no iat": made(without=("iat",)),
        "issued later": made(iat=NOW + 30),
        "issued later, by a moment": made(iat=NOW + 6),
        "text iat": made(iat="now"),
        "foreign party": made(azp="https://evil.example.com"),
        "list party": made(azp=["https://app.example.com"]),
        "no user": made(sub="mch_1"),
        "no sub": made(without=("sub",)),
        "list sub": made(sub=["user_1"]),
        "pending session": made(sts="pending"),
    }


async def test_refuses_every_forgery_and_lets_no_other_error_out() -> None:
    issuer = Issuer()
    async with verifying(issuer) as verifier:
        taken = []
        for name, token in forged(issuer).items():
            with contextlib.suppress(Unauthenticated):
                await verifier.verify(token)
                taken.append(name)
        assert taken == []


async def test_refuses_the_token_of_another_app() -> None:
    async with verifying(Issuer()) as verifier:
        other = Issuer("ins_other")
        other.url = "https://clerk.other.example.com"
        with pytest.raises(Unauthenticated):
            await verifier.verify(other.token(now=NOW))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"header": {"cat": "cl_B7d4PD111AAA"}, "sid": "sess_1", "v": 2, "sts": "active"},
        {"header": {"cat": "cl_I7d4PD111III"}},
        {"azp": None},
        {"exp": NOW - 4},
        {"nbf": NOW + 4, "iat": NOW + 4},
        {"aud": "anybody"},
        {"plan": None},
    ],
)
async def test_takes_session_and_template_tokens_within_the_leeway(changed: dict[str, Any]) -> None:
    issuer = Issuer()
    async with verifying(issuer) as verifier:
        assert (await verifier.verify(issuer.token(**{"now": NOW, **changed})))["sub"] == "user_1"


async def test_takes_a_token_whose_category_is_absent() -> None:
    issuer = Issuer()
    async with verifying(issuer) as verifier:
        assert await verifier.verify(issuer.token(now=NOW, header={"cat": None}))


async def test_a_flood_of_unknown_keys_asks_the_issuer_once_in_a_while() -> None:
    issuer = Issuer()
    async with verifying(issuer) as verifier:
        for index in range(200):
            with pytest.raises(Unauthenticated):
                await verifier.verify(issuer.token(now=NOW, kid=f"ins_{index}"))
    assert issuer.fetches <= 2


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_rotated_key_is_found_and_the_old_ones_outlive_the_issuer() -> None:
    issuer, ticks = Issuer(), Ticks()
    async with clerk_http() as http:
        async with serving(issuer.app) as url:
            keys = KeySet(url + "/.well-known/jwks.json", http, ticks)
            assert await keys.key(issuer.kid)
            issuer.add_key("ins_2")
            ticks.now = 11
            assert await keys.key("ins_2")
        ticks.now = 1000  # old by now, and nobody answers
        assert await keys.key("ins_2")
        await asyncio.sleep(0.05)
        assert await keys.key("ins_test_1")
        await keys.close()


async def test_without_any_keys_the_service_is_unavailable_and_recovers() -> None:
    issuer, ticks = Issuer(), Ticks()
    async with serving(issuer.app) as url, clerk_http() as http:
        down = KeySet("http://127.0.0.1:9/keys", http, ticks)
        with pytest.raises(Unavailable):
            await down.key("ins_test_1")
        keys = KeySet(url + "/.well-known/jwks.json", http, ticks)
        assert await keys.key("ins_test_1")
        await down.close()
        await keys.close()


async def test_a_known_key_never_waits_for_an_unknown_one() -> None:
    issuer, gate, ticks = Issuer(), asyncio.Event(), Ticks()
    gate.set()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await gate.wait()
        await issuer.app(scope, receive, send)

    async with serving(slow) as url, clerk_http() as http:
        keys = KeySet(url + "/.well-known/jwks.json", http, ticks)
        assert await keys.key(issuer.kid)
        gate.clear()
        ticks.now = 20
        unknown = asyncio.create_task(keys.key("ins_unknown"))
        await asyncio.sleep(0.02)
        assert await asyncio.wait_for(keys.key(issuer.kid), 0.5)
        assert not unknown.done()
        gate.set()
        assert await unknown is None
        await keys.close()


class BackendApi:
    """A Backend API that answers one thing and remembers what it was asked."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status, self.body = status, body
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        methods = ["GET", "PATCH"]
        self.app = Starlette(routes=[Route("/v1/{path:path}", self.answer, methods=methods)])

    async def answer(self, request: Request) -> Response:
        self.seen.append((request.method, request.url.path, dict(request.headers), await request.body()))
        return JSONResponse(self.body, self.status)


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFound), (500, Unavailable), (429, Unavailable), (401, Unavailable)]
)
async def test_a_refusal_of_the_backend_is_told_for_what_it_is(status: int, error: type[Exception]) -> None:
    api = BackendApi(status, {"errors": []})
    async with serving(api.app) as url, clerk_http() as http:
        with pytest.raises(error):
            await ClerkUsers(Issuer().clerk_app(url), http).user("user_1")


async def test_an_unreachable_backend_is_unavailable() -> None:
    async with clerk_http() as http:
        with pytest.raises(Unavailable):
            await ClerkUsers(Issuer().clerk_app("http://127.0.0.1:9"), http).user("user_1")


async def test_metadata_goes_to_the_merging_address_under_the_pinned_version() -> None:
    api = BackendApi(200, {"id": "user_1"})
    async with serving(api.app) as url, clerk_http() as http:
        users = ClerkUsers(Issuer().clerk_app(url), http)
        await users.merge_public_metadata("user_1/../x", {"plan": "paid", "old": None})
    method, path, headers, body = api.seen[0]
    assert (method, path) == ("PATCH", "/v1/users/user_1/../x/metadata")  # decoded again by the server, sent as %2F
    assert headers["clerk-api-version"] == "2026-05-12"
    assert headers["authorization"] == "Bearer sk_test_of_the_tests"
    assert json.loads(body) == {"public_metadata": {"plan": "paid", "old": None}}


async def test_a_token_is_refused_the_moment_it_ends_however_often_it_was_taken_before() -> None:
    issuer, clock = Issuer(), SetClock()
    async with serving(issuer.app) as url, clerk_http() as http:
        verifier = TokenVerifier(issuer.clerk_app(url), http, clock)
        token = issuer.token(now=clock().timestamp())
        claims = await verifier.verify(token)
        assert await verifier.verify(token) == claims
        clock.advance(seconds=claims["exp"] - clock().timestamp() + 4)
        assert await verifier.verify(token) == claims
        clock.advance(seconds=1)
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)
        await verifier.close()


async def test_a_token_taken_before_is_refused_once_its_key_is_no_longer_published() -> None:
    issuer, seconds = Issuer(), Monotonic()
    async with serving(issuer.app) as url, clerk_http() as http:
        verifier = TokenVerifier(issuer.clerk_app(url), http, CLOCK, seconds)
        token = issuer.token(now=NOW)
        await verifier.verify(token)
        issuer.add_key(issuer.kid)  # another key of the same name
        seconds.now += 301
        await verifier.verify(token)  # renews the keys behind the scenes
        while issuer.fetches < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)
        assert (await verifier.verify(issuer.token(now=NOW)))["sub"] == "user_1"
        await verifier.close()


async def test_memory_of_tokens_is_bounded_and_bad_ones_are_not_remembered() -> None:
    issuer = Issuer()
    async with serving(issuer.app) as url, clerk_http() as http:
        verifier = TokenVerifier(issuer.clerk_app(url), http, CLOCK, most_verified=3)
        for number in range(5):
            token = issuer.token(now=NOW, sub=f"user_{number}")
            assert (await verifier.verify(token))["sub"] == f"user_{number}"
            with pytest.raises(Unauthenticated):
                await verifier.verify(token + "x")
        assert verifier.remembered == 3
        await verifier.close()

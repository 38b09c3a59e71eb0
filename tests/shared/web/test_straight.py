"""The metered route past the middlewares answers, and logs, as it would through all of them."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.domain.errors import Conflict, RateLimited, Unauthenticated
from shared.web.answers import JsonAnswer
from shared.web.auth import bearer
from shared.web.body import raw_body
from shared.web.errors import LastResort, exception_handlers
from shared.web.guard import Admission, Guard
from shared.web.lines import JsonLines
from shared.web.log import RequestLog, note
from shared.web.straight import Straight
from tests.raw import spoken
from tests.serving import serving

ERRORS = {"conflict": Conflict("Taken."), "slow": RateLimited("Slow down.", retry_after_seconds=7)}
ITS_OWN = {"date", "x-request-id"}


@dataclass
class Generous:
    max_in_flight: int = 8
    visitors_per_minute: int = 5
    failures_per_minute: int = 3


async def metered(request: Request) -> Response:
    credential = bearer(request)
    if credential == "bad":
        raise Unauthenticated("Who?")
    if credential == "broken":
        raise RuntimeError("secret: hunter2")
    if credential in ERRORS:
        raise ERRORS[credential]
    if credential == "waiting":
        await asyncio.sleep(0.05)
    note(request.scope, caller=credential)
    headers = {"RateLimit": '"month";r=1;t=2'}
    return JsonAnswer({"bytes": len(await raw_body(request)), "é": "ü"}, headers=headers)


def app(*, straight: bool) -> Starlette:
    admission = Admission(Generous())
    past = Middleware(Straight, service="both", path="/metered", endpoint=metered, admission=admission)
    middleware = [past] if straight else []
    middleware += [Middleware(RequestLog, service="both"), Middleware(Guard, admission=admission)]
    return Starlette(
        routes=[Route("/metered", metered, methods=["POST"])],
        middleware=[*middleware, Middleware(LastResort)],
        exception_handlers=exception_handlers,
    )


@asynccontextmanager
async def both() -> AsyncIterator[list[httpx2.AsyncClient]]:
    async with serving(app(straight=True)) as one, serving(app(straight=False)) as other:
        first, second = (httpx2.AsyncClient(base_url=url, trust_env=False) for url in (one, other))
        async with first, second:
            yield [first, second]


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("counted", {"headers": {"Authorization": "Bearer good"}}),
    ("with a body", {"headers": {"Authorization": "Bearer good"}, "content": b"x" * 5000}),
    ("with its own id", {"headers": {"Authorization": "Bearer good", "X-Request-Id": "mine-1"}}),
    ("with an odd id", {"headers": {"Authorization": "Bearer good", "X-Request-Id": "mine\t1"}}),
    ("too large", {"headers": {"Authorization": "Bearer good"}, "content": b"x" * 70_000}),
    ("closing", {"headers": {"Authorization": "Bearer good", "Connection": "close"}}),
    ("refused", {"headers": {"Authorization": "Bearer slow"}}),
    ("in conflict", {"headers": {"Authorization": "Bearer conflict"}}),
    ("unforeseen", {"headers": {"Authorization": "Bearer broken"}}),
    ("unknown", {"headers": {"Authorization": "Bearer bad"}}),
    ("odd scheme", {"headers": {"Authorization": "Basic good"}}),
    ("no credential", {}),
    ("of a page", {"headers": {"Authorization": "Bearer good", "Origin": "https://a.example.com"}}),
]


@pytest.mark.parametrize("asked", [asked for _, asked in ASKED], ids=[name for name, _ in ASKED])
async def test_both_ways_answer_alike(asked: dict[str, Any]) -> None:
    async with both() as clients:
        answers = [await client.post("/metered", **asked) for client in clients]
    straight, usual = (
        (
            answer.status_code,
            {name: value for name, value in answer.headers.items() if name not in ITS_OWN},
            {name: value for name, value in answer.json().items() if name != "requestId"},
        )
        for answer in answers
    )
    if "error" in answers[0].json():  # an id is as long as another
        assert len(answers[0].json()["requestId"]) == len(answers[1].json()["requestId"])
    assert straight == usual
    given = {"mine-1"} if asked.get("headers", {}).get("X-Request-Id") == "mine-1" else set()
    assert {answer.headers["x-request-id"] for answer in answers} >= given
    assert all(answer.headers["date"] for answer in answers)


async def test_both_ways_write_the_same_line() -> None:
    written = io.StringIO()
    handler, logger = logging.StreamHandler(written), logging.getLogger("dream_api")
    handler.setFormatter(JsonLines())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        async with both() as clients:
            for client in clients:
                await client.post("/metered", headers={"Authorization": "Bearer good", "X-Request-Id": "mine"})
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
    straight, usual = (json.loads(line) for line in written.getvalue().splitlines())
    for line in (straight, usual):
        assert line.pop("ms") >= 0
        assert line.pop("time") > "2026"
    assert straight == usual
    assert (straight["route"], straight["caller"], straight["status"]) == ("/metered", "good", 200)


async def test_an_address_with_too_many_wrong_credentials_waits_either_way() -> None:
    async with both() as clients:
        for client in clients:
            statuses = [
                (await client.post("/metered", headers={"Authorization": "Bearer bad"})).status_code for _ in range(5)
            ]
            assert statuses == [401, 401, 401, 429, 429]
            assert (await client.post("/metered", headers={"Authorization": "Bearer good"})).status_code == 200


async def test_many_calls_share_one_connection() -> None:
    async with serving(app(straight=True)) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        answers = [await client.post("/metered", headers={"Authorization": "Bearer good"}) for _ in range(5)]
        ports = {answer.extensions["network_stream"].get_extra_info("client_addr") for answer in answers}
        assert len(ports) == 1


CALL = b"POST /metered HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %s\r\ncontent-length: %d\r\n%s\r\n"


async def test_calls_sent_in_one_go_are_answered_in_order_whichever_way_they_go() -> None:
    async with serving(app(straight=True)) as url:
        calls = [CALL % (b"good", 3, b"") + b"abc", CALL % (b"bad", 0, b"")]
        calls.append(CALL % (b"good", 4, b"origin: a\r\n") + b"abcd")
        answered = await spoken(address(url), b"".join(calls) + CALL % (b"slow", 0, b"connection: close\r\n"))
    statuses = [part[:3] for part in answered.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"401", b"200", b"429"]
    assert [part[:1] for part in answered.split(b'{"bytes":')[1:]] == [b"3", b"4"]


@pytest.mark.parametrize("extra", [b"", b"expect: 100-continue\r\n"])
async def test_a_body_that_comes_in_parts_is_whole_when_it_is_looked_at(extra: bytes) -> None:
    async with serving(app(straight=True)) as url:
        call = CALL % (b"good", 6, extra + b"connection: close\r\n")
        answered = await spoken(address(url), call + b"ab", b"cd", b"ef", pause=0.05)
    assert answered.endswith(b'{"bytes":6,"\xc3\xa9":"\xc3\xbc"}')
    assert answered.count(b"100 Continue") == bool(extra)


async def test_nothing_waits_for_a_caller_who_went_away_meanwhile() -> None:
    async with serving(app(straight=True)) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        for _ in range(20):  # twice the places there are
            _, writer = await asyncio.open_connection(*address(url))
            writer.write(CALL % (b"waiting", 0, b""))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.1)
        assert (await client.post("/metered", headers={"Authorization": "Bearer good"})).status_code == 200


async def test_a_call_under_way_is_answered_when_the_server_ends() -> None:
    async with serving(app(straight=True)) as url:
        reader, writer = await asyncio.open_connection(*address(url))
        writer.write(CALL % (b"waiting", 0, b""))
        await writer.drain()
        await asyncio.sleep(0.02)
    answered = await reader.read()
    assert (answered.startswith(b"HTTP/1.1 200"), b"connection: close\r\n" in answered) == (True, True)
    writer.close()


def address(url: str) -> tuple[str, int]:
    return "127.0.0.1", urlsplit(url).port or 0

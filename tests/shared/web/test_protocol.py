"""Raw sockets against HTTP as the services speak it: too large, too slow, too many, and what can't be read."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.web.protocol import BoundedHttp
from tests.raw import spoken, status
from tests.serving import serving


class Hasty(BoundedHttp):
    max_connections = 20
    head_seconds = 0.3
    body_seconds = 0.6


async def echo(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body())})


async def ignoring(_request: Request) -> Response:
    return JSONResponse({"ignored": True})


@asynccontextmanager
async def served() -> AsyncIterator[tuple[str, int]]:
    routes = [Route("/echo", echo, methods=["POST"]), Route("/ignoring", ignoring, methods=["POST"])]
    async with serving(Starlette(routes=routes), http=Hasty) as url:
        yield "127.0.0.1", urlsplit(url).port or 0


@pytest.mark.parametrize(
    "head",
    [
        b"GET /echo HTTP/1.1\r\nhost: a\r\nx-large: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nhost: a\r\nx-endless: " + b"x" * 40_000,
        b"GET /echo HTTP/1.1\r\nhost: a\r\n" + b"".join(b"x-%d: 1\r\n" % index for index in range(200)) + b"\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    ],
)
async def test_a_head_that_is_too_large_is_a_431_and_the_end(head: bytes) -> None:
    async with served() as address:
        answered = await spoken(address, head)
        assert status(answered) == 431
        assert json.loads(answered.partition(b"\r\n\r\n")[2])["error"] == "headers_too_large"


async def test_a_head_that_dribbles_is_a_408_after_its_time_however_busy_it_looks() -> None:
    async with served() as address:
        dribble = [b"x-%d: 1\r\n" % index for index in range(12)]
        answered = await spoken(address, b"GET /echo HTTP/1.1\r\n", *dribble, pause=0.05)
        assert status(answered) == 408


async def test_who_says_nothing_is_not_listened_to_for_long() -> None:
    async with served() as address:
        assert status(await spoken(address)) == 408


async def test_a_body_that_nobody_reads_and_never_ends_is_cut_off() -> None:
    async with served() as address:
        head = b"POST /ignoring HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n"
        began = asyncio.get_running_loop().time()
        answered = await spoken(address, head, *[b"x"] * 12, pause=0.1)
        assert status(answered) == 200
        assert asyncio.get_running_loop().time() - began < 2


async def test_a_slow_body_within_its_time_is_read() -> None:
    async with served() as address:
        head = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nconnection: close\r\n\r\n"
        answered = await spoken(address, head, b"ab", b"cd", pause=0.1)
        assert (status(answered), b'{"bytes":4}' in answered) == (200, True)


async def test_a_large_body_right_behind_its_head_is_no_large_head() -> None:
    async with served() as address:
        head = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\nconnection: close\r\n\r\n"
        assert status(await spoken(address, head + b"x" * 60_000)) == 200


async def test_requests_sent_in_one_go_are_answered_in_order_on_one_connection() -> None:
    async with served() as address:
        one = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n"
        last = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc"
        answered = await spoken(address, one % 1 + b"a" + one % 2 + b"ab" + last)
        assert [part[:1] for part in answered.split(b'{"bytes":')[1:]] == [b"1", b"2", b"3"]


async def test_more_connections_than_allowed_are_told_to_come_again_and_those_there_live_on() -> None:
    async with served() as address:
        kept = [await asyncio.open_connection(*address) for _ in range(20)]
        answered = await spoken(address, b"")
        assert (status(answered), b"retry-after: " in answered) == (503, True)
        reader, writer = kept[0]
        writer.write(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, one in kept:
            one.close()
        await asyncio.sleep(0.05)
        closing = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"
        assert status(await spoken(address, closing)) == 200


async def test_a_handshake_for_another_protocol_is_no_way_in() -> None:
    async with served() as address:
        asked = b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        rest = b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        assert status(await spoken(address, asked + rest)) == 405

"""The small client over real sockets: every way a request can fail says whether it may have been carried out."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from botocore.credentials import Credentials

from shared.adapters import dynamodb_connection, dynamodb_http
from shared.adapters.dynamodb import ConditionFailed, NotApplied, OutcomeUnknown, Refused
from shared.adapters.dynamodb_http import DynamoHttp

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers each request as it is told; counts connections and whole requests, and knows what was asked in turn."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.connections = self.open = 0
        self.requests = 0
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
                self.requests += 1
                self.asked.append(head.partition(b"DynamoDB_20120810.")[2].partition(b"\r")[0].decode())
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def client(answer: Answer) -> AsyncIterator[tuple[Server, DynamoHttp]]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    http = DynamoHttp(f"http://127.0.0.1:{port}", "us-east-1", Credentials("a", "b"))
    yield server, http
    await http.close()
    listening.close()
    await asyncio.sleep(0.01)


def says(raw: bytes, *, close: bool = False) -> Answer:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if close:
            writer.close()
            await writer.wait_closed()

    return answer


def http_answer(status: int, body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d X" % status, b"content-length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


def error(code: str, **more: str) -> bytes:
    facts = "".join(f', "{name}": {value}' for name, value in more.items())
    return f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "told"{facts}}}'.encode()


async def by_post(http: DynamoHttp, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Told, and told once, after `post` has returned."""
    answer: asyncio.Future[dict[str, Any] | Exception] = asyncio.get_running_loop().create_future()
    http.post(operation, request, answer.set_result)
    assert not answer.done()
    found = await answer
    if isinstance(found, Exception):
        raise found
    return found


either_way = pytest.mark.parametrize("ask", [DynamoHttp.call, by_post], ids=["call", "post"])
Ask = Callable[[DynamoHttp, str, dict[str, Any]], Awaitable[dict[str, Any]]]


@either_way
@pytest.mark.parametrize(
    "answer",
    [
        says(b"", close=True),  # reset after sending
        says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", close=True),  # truncated
        says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{", close=True),
        says(b"no HTTP at all\r\n\r\n"),
        says(http_answer(200, b"no JSON")),
        says(http_answer(200, b"[]")),
        says(http_answer(500, error("InternalServerError"))),
        says(http_answer(503, b"<html>somebody in between</html>")),
        says(http_answer(403, b'{"message": "somebody in between"}')),
    ],
)
async def test_a_lost_or_unreadable_answer_may_have_been_carried_out_and_is_not_sent_again(
    answer: Answer, ask: Ask
) -> None:
    async with client(answer) as (server, http):
        with pytest.raises(OutcomeUnknown):
            await ask(http, "UpdateItem", {})
        assert server.requests == 1


@either_way
async def test_a_slow_answer_is_given_up_and_its_connection_never_used_again(ask: Ask) -> None:
    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.requests == 1:
            await asyncio.sleep(dynamodb_connection.READ_SECONDS + 0.5)
            writer.write(http_answer(200, b'{"late": true}'))
        else:
            writer.write(http_answer(200, b'{"late": false}'))

    async with client(slow) as (server, http):
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await ask(http, "UpdateItem", {})
        assert time.monotonic() - began < dynamodb_connection.READ_SECONDS + 1
        assert await ask(http, "GetItem", {}) == {"late": False}
        assert server.connections == 2


async def test_who_gives_up_waiting_leaves_no_answer_for_the_next() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = server.requests
        await asyncio.sleep(0.05)
        writer.write(http_answer(200, b'{"number": %d}' % number))

    async with client(answer) as (server, http):
        first = asyncio.create_task(http.call("GetItem", {}))
        while server.requests == 0:
            await asyncio.sleep(0.001)
        first.cancel()
        assert await http.call("GetItem", {}) == {"number": 2}


async def test_whenever_a_caller_gives_up_no_connection_stays_open_that_nobody_has() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the connection ends

    async with client(silent) as (server, http):
        for turns in range(40):
            given_up = asyncio.create_task(http.call("GetItem", {}))
            for _ in range(turns):
                await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)
        until = time.monotonic() + 5
        while server.open and time.monotonic() < until:
            await asyncio.sleep(0.01)
        assert (server.open, server.connections > 10) == (0, True)


@either_way
async def test_nothing_was_sent_where_nobody_listens(ask: Ask) -> None:
    http = DynamoHttp("http://127.0.0.1:9", "us-east-1", Credentials("a", "b"))
    with pytest.raises(NotApplied):
        await ask(http, "UpdateItem", {})


@either_way
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", NotApplied),
        ("ProvisionedThroughputExceededException", NotApplied),
        ("RequestLimitExceeded", NotApplied),
        ("TransactionConflictException", NotApplied),
        ("ValidationException", Refused),
        ("AccessDeniedException", Refused),
    ],
)
async def test_a_refusal_was_not_carried_out(code: str, kind: type[Exception], ask: Ask) -> None:
    async with client(says(http_answer(400, error(code)))) as (server, http):
        with pytest.raises(kind):
            await ask(http, "UpdateItem", {})
        assert server.requests == 1


@either_way
async def test_a_failed_condition_brings_what_stands_there(ask: Ask) -> None:
    body = error("ConditionalCheckFailedException", Item='{"n": {"N": "3"}, "deep": {"M": {"l": {"L": [{"S": "x"}]}}}}')
    async with client(says(http_answer(400, body))) as (_, http):
        with pytest.raises(ConditionFailed) as failed:
            await ask(http, "UpdateItem", {})
        assert failed.value.item == {"n": 3, "deep": {"l": ["x"]}}


async def test_connections_are_kept_and_shared_in_turn() -> None:
    async with client(says(http_answer(200, b"{}"))) as (server, http):
        await asyncio.gather(*(http.call("GetItem", {}) for _ in range(dynamodb_http.MOST_CONNECTIONS * 4)))
        assert server.connections <= dynamodb_http.MOST_CONNECTIONS
        opened = server.connections
        for _ in range(20):
            await http.call("GetItem", {})
        assert server.connections == opened


async def test_who_waits_for_a_connection_goes_before_who_comes_later() -> None:
    answers, most = asyncio.Semaphore(0), dynamodb_http.MOST_CONNECTIONS

    async def when_told(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answers.acquire()
        writer.write(http_answer(200, b"{}"))

    async def twice() -> None:
        await http.call("GetItem", {})
        await http.call("UpdateItem", {})  # at the very moment at which a connection is free again

    async with client(when_told) as (server, http):
        busy = [asyncio.create_task(twice()) for _ in range(most)]
        await until(lambda: server.requests == most)
        gives_up, waits = (asyncio.create_task(http.call("Query", {})) for _ in range(2))
        await asyncio.sleep(0.01)
        gives_up.cancel()
        answers.release()
        await until(lambda: server.requests == most + 1)
        assert server.asked[most:] == ["Query"]
        for _ in range(3 * most):
            answers.release()
        await asyncio.gather(*busy, waits)
        assert server.connections <= most


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


@either_way
async def test_a_connection_the_store_closed_meanwhile_is_replaced_unnoticed(ask: Ask) -> None:
    async with client(says(http_answer(200, b"{}", b"connection: close"))) as (server, http):
        for _ in range(3):
            await ask(http, "GetItem", {})
        assert server.connections == 3
    async with client(says(http_answer(200, b"{}"), close=True)) as (server, http):
        for _ in range(3):
            await ask(http, "GetItem", {})
            await asyncio.sleep(0.02)
        assert server.connections == 3


@either_way
async def test_an_answer_in_pieces_is_put_together(ask: Ask) -> None:
    async def dripping(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in http_answer(200, b'{"whole": true}'):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with client(dripping) as (_, http):
        assert await ask(http, "GetItem", {}) == {"whole": True}

"""A proxy between a service and something it depends on, whatever that is, as long as it speaks HTTP/1.1.

Faults are ordered for the next requests, one each; then everything passes. Unlike `tests.faults.FaultyStore`, which
knows DynamoDB's operations, this one breaks connections and bodies as well, and stands before Clerk and Stripe too.
"""

import asyncio
from collections import Counter as Tally
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum

LATENCY_SECONDS = 0.06
LATE_SECONDS = 0.1


class Broken(Enum):
    """What happens to one request; `reaches` says whether the other side does the work."""

    SLOW = "passes on after a while"
    REFUSED = "the connection is reset before anything is passed on"
    LOST = "passed on and done, then the connection is reset without the answer"
    ERROR = "answers 500 without passing on"
    THROTTLED = "answers 429, or the store's own word for it, without passing on"
    TWICE = "passed on twice, the second answer is given"
    LATE = "answers 500 at once and passes on a moment later"
    CUT = "the answer ends in the middle of its body"
    DOUBLED = "the answer's body comes twice"
    NONSENSE = "answers 200 with something that is no JSON"


class FaultProxy:
    """One dependency behind its faults."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.removeprefix("http://").partition(":")
        self._upstream = (host, int(port))
        self._late: set[asyncio.Task[bytes]] = set()
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.faults: deque[Broken] = deque()
        self.met: Tally[Broken] = Tally()
        self.url = ""

    async def settle(self) -> None:
        """No more faults, and nothing on its way any more."""
        self.faults.clear()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def close(self) -> None:
        """End what is connected still."""
        await self.settle()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            await self._serve(reader, writer)
        finally:
            del self._open[task]
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while request := await _message(reader):
                answer = await self._answer(request)
                if answer is None:
                    writer.transport.abort()
                    return
                whole, close = answer
                writer.write(whole)
                await writer.drain()
                if close:
                    return

    async def _answer(self, request: bytes) -> tuple[bytes, bool] | None:
        """What is sent back, and whether the connection ends with it; None resets it."""
        fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return await self._passed_on(request), False
        self.met[fault] += 1
        if fault in {Broken.REFUSED, Broken.ERROR, Broken.THROTTLED, Broken.NONSENSE}:
            return _instead(fault)
        if fault is Broken.LATE:
            task = asyncio.create_task(self._passed_on(request, after=LATE_SECONDS))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return _instead(Broken.ERROR)
        if fault is Broken.TWICE:
            await self._passed_on(request)
        answer = await self._passed_on(request, after=LATENCY_SECONDS if fault is Broken.SLOW else 0)
        return _spoilt(fault, answer)

    async def _passed_on(self, request: bytes, after: float = 0) -> bytes:
        await asyncio.sleep(after)
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def _instead(fault: Broken) -> tuple[bytes, bool] | None:
    if fault is Broken.REFUSED:
        return None
    if fault is Broken.NONSENSE:
        return _written("200 OK", b"<html>a proxy's own page</html>"), False
    if fault is Broken.THROTTLED:
        return _written("400 Bad Request", b'{"__type":"x#ThrottlingException","message":"slow down"}'), False
    return _written("500 Internal Server Error", b'{"__type":"x#InternalServerError","message":"injected"}'), False


def _spoilt(fault: Broken, answer: bytes) -> tuple[bytes, bool] | None:
    if fault is Broken.LOST:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    if fault is Broken.CUT:
        return answer[: len(head) + 4 + len(body) // 2], True
    if fault is Broken.DOUBLED:
        status = head.partition(b"\r\n")[0].partition(b" ")[2].decode()
        return _written(status, body * 2), False
    return answer, False


def _written(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, whole; nothing at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    fields = head.lower()
    if b"\r\ntransfer-encoding: chunked" in fields:
        return head + await _chunks(reader)
    _, found, rest = fields.partition(b"\r\ncontent-length:")
    return head + (await reader.readexactly(int(rest.partition(b"\r\n")[0])) if found else b"")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    read = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line, 16)
        read += line + await reader.readexactly(size + 2)
        if size == 0:
            return read


@asynccontextmanager
async def between(upstream: str) -> AsyncIterator[FaultProxy]:
    """A proxy before an address."""
    proxy = FaultProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=2**22)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()

"""A small DynamoDB client for the requests of the hot path: signed, on kept-alive connections, each sent exactly once.

Used by shared.adapters.dynamodb for reads, updates and batches; the SDK does everything else. What fails says whether
the request may have been carried out: nothing was sent (NotApplied), or the answer was lost (OutcomeUnknown).
"""

import asyncio
import ssl
import time
import weakref
from collections import deque
from collections.abc import Coroutine
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import httptools
import orjson
from botocore.credentials import Credentials, ReadOnlyCredentials

from shared import outside
from shared.adapters.aws_signature import Place, Renewed, Signer
from shared.adapters.dynamodb_outcomes import NotApplied, failure, not_applied, outcome_unknown

CONNECT_SECONDS = 0.7
READ_SECONDS = 1.5
IDLE_SECONDS = 15.0  # a connection unused for longer may be closed at the other end just as we write
MOST_CONNECTIONS = 64
HTTP_OK, HTTP_FAILED = 200, 500


class _Lost(Exception):
    """The connection ended, or said something that is no HTTP, before the answer was whole."""


class _Connection(asyncio.Protocol):
    """One connection: a request, its whole answer, the next request."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.open = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = cast(asyncio.Transport, transport), True
        self._transport.set_write_buffer_limits(high=0)  # a request leaves at once, not with all that is due now

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(_Lost(str(error or "closed")))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), b"".join(self._parts)))
        else:
            self.close()  # nobody asked for this: what follows can't be told apart from an answer

    def exchange(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        self._parts = []
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._answer.set_exception(_Lost("closed"))
        else:
            self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self.open = False
        if self._transport is not None and not self.loop.is_closed():
            self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(_Lost("closed"))


class DynamoHttp:
    """A pool of connections to one endpoint."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials | None) -> None:
        address = urlsplit(endpoint)
        self._host = address.hostname or ""
        self._port = address.port or (443 if address.scheme == "https" else 80)
        self._secure = ssl.create_default_context() if address.scheme == "https" else None
        self._signer = Signer(Place(region, address.netloc))
        self._credentials = Renewed(credentials)
        self._idle: list[_Connection] = []
        self._wanted: deque[asyncio.Future[None]] = deque()
        self._used = 0
        self._closed = False
        self._all: weakref.WeakSet[_Connection] = weakref.WeakSet()

    def call(self, operation: str, request: dict[str, Any]) -> Coroutine[Any, Any, dict[str, Any]]:
        """The answer to one request, sent once: at once where it can be. Raises what dynamodb_outcomes tells apart."""
        body, credentials = orjson.dumps(request), self._credentials.known
        if not self._closed and credentials is not None and self._used < MOST_CONNECTIONS:
            connection = self._kept()
            if connection is not None:
                self._used += 1
                return self._answered(self._sent(operation, body, credentials, connection))
        return self._sent_later(operation, body)

    async def _sent_later(self, operation: str, body: bytes) -> dict[str, Any]:
        """Where it has to wait for credentials or a connection first."""
        if self._closed:
            raise not_applied()
        credentials, began = await self._credentials.present(), time.perf_counter()
        try:
            connection = await self._connection()
        except NotApplied:
            outside.told(outside.STORE, operation, began, outside.FAILED)
            raise
        return await self._answered(self._sent(operation, body, credentials, connection))

    def _sent(self, operation: str, body: bytes, credentials: ReadOnlyCredentials, connection: _Connection) -> "_Sent":
        began = time.perf_counter()
        head = self._signer.head(operation, body, credentials, time.time())
        return _Sent(operation, began, connection, connection.exchange(head + body))

    async def _answered(self, sent: "_Sent") -> dict[str, Any]:
        operation, began, connection, whole = sent
        outcome = outside.FAILED
        try:
            async with asyncio.timeout(READ_SECONDS):
                status, answer = await whole
            outcome = outside.OK if status == HTTP_OK else outside.REFUSED if status < HTTP_FAILED else outside.FAILED
        except (TimeoutError, _Lost) as error:
            connection.close()
            raise outcome_unknown() from error
        except asyncio.CancelledError:
            connection.close()
            raise
        finally:
            self._give_back(connection)
            outside.told(outside.STORE, operation, began, outcome)
        return _understood(status, answer)

    async def close(self) -> None:
        """Close every connection; nothing is sent after."""
        self._closed = True
        await self.rest()

    async def rest(self) -> None:
        """Close every connection, and let the loop get round to it: it may be about to end."""
        for connection in list(self._all):
            connection.close()
        self._idle.clear()
        await asyncio.sleep(0)

    async def _connection(self) -> _Connection:
        """A connection nobody else uses. Whatever goes wrong here, nothing was sent."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._turn()
                try:
                    return self._kept() or await self._opened()
                except BaseException:
                    self._next_turn()
                    raise
        except (TimeoutError, OSError) as error:
            raise not_applied() from error

    async def _turn(self) -> None:
        """Be one of those under way, until `_next_turn`."""
        if self._used < MOST_CONNECTIONS:
            self._used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._next_turn()
            raise

    def _kept(self) -> _Connection | None:
        """The one used last, so that those no longer needed grow idle."""
        while self._idle:
            connection = self._idle.pop()
            young = time.monotonic() - connection.idle_since < IDLE_SECONDS
            if connection.open and young and connection.loop is asyncio.get_running_loop():
                return connection
            connection.close()
        return None

    async def _opened(self) -> _Connection:
        connection = _Connection()
        self._all.add(connection)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: connection, self._host, self._port, ssl=self._secure)
        if self._closed:  # meanwhile
            connection.close()
        return connection

    def _give_back(self, connection: _Connection) -> None:
        if connection.open:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()
        self._next_turn()

    def _next_turn(self) -> None:
        while self._wanted:
            turn = self._wanted.popleft()
            if not turn.done():
                turn.set_result(None)  # as many are under way as before, so nobody overtakes who waited longest
                return
        self._used -= 1


class _Sent(NamedTuple):
    """A request that was sent: when (by perf_counter), where, and its whole answer once that has come."""

    operation: str
    began: float
    connection: _Connection
    whole: "asyncio.Future[tuple[int, bytes]]"


def _understood(status: int, answer: bytes) -> dict[str, Any]:
    try:
        body: Any = orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        # A success that can't be read is still one; an error of somebody in between says nothing.
        raise outcome_unknown() from error
    if status == HTTP_OK and isinstance(body, dict):
        return body
    if not isinstance(body, dict) or "__type" not in body:
        raise outcome_unknown()
    raise failure(status, str(body["__type"]).rpartition("#")[2], body)

"""A small DynamoDB client for the requests of the hot path: signed, on kept-alive connections, each sent exactly once.

Used by shared.adapters.dynamodb for reads, updates and batches; the SDK does everything else. What fails says whether
the request may have been carried out: nothing was sent (NotApplied), or the answer was lost (OutcomeUnknown).
"""

import asyncio
import ssl
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson
from botocore.credentials import Credentials, ReadOnlyCredentials

from shared import outside
from shared.adapters.aws_signature import Place, Renewed, Signer
from shared.adapters.dynamodb_connection import Connection, Whole
from shared.adapters.dynamodb_outcomes import NotApplied, failure, not_applied, outcome_unknown

CONNECT_SECONDS = 0.7
IDLE_SECONDS = 15.0  # a connection unused for longer may be closed at the other end just as we write
MOST_CONNECTIONS = 64
HTTP_OK, HTTP_FAILED = 200, 500


Ended = Callable[[dict[str, Any] | Exception], None]  # told the answer or what failed, once; it may not raise


class DynamoHttp:
    """A pool of connections to one endpoint."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials | None) -> None:
        address = urlsplit(endpoint)
        self._host = address.hostname or ""
        self._port = address.port or (443 if address.scheme == "https" else 80)
        self._secure = ssl.create_default_context() if address.scheme == "https" else None
        self._signer = Signer(Place(region, address.netloc))
        self._credentials = Renewed(credentials)
        self._idle: list[Connection] = []
        self._wanted: deque[asyncio.Future[None]] = deque()
        self._used = 0
        self._later: set[asyncio.Task[None]] = set()
        self._closed = False
        self._all: weakref.WeakSet[Connection] = weakref.WeakSet()

    async def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request, sent once. Raises what dynamodb_outcomes tells apart."""
        body, began, outcome = orjson.dumps(request), time.perf_counter(), outside.FAILED
        answer: asyncio.Future[Whole] = asyncio.get_running_loop().create_future()
        try:
            ready = self._ready() or await self._ready_later()
            began = time.perf_counter()
            self._send(operation, body, ready, partial(_resolve, answer))
            try:
                whole = await answer
            except asyncio.CancelledError:
                ready.connection.close()
                raise
            outcome = _outcome(whole)
        finally:
            outside.told(outside.STORE, operation, began, outcome)
        return _understood(whole)

    def post(self, operation: str, request: dict[str, Any], ended: Ended) -> None:
        """The same without a task: sent now where it can be; `ended` is told on the connection, after this returned."""
        body, ready = orjson.dumps(request), self._ready()
        if ready is None:
            later = asyncio.get_running_loop().create_task(self._post_later(operation, body, ended), context=Context())
            self._later.add(later)
            later.add_done_callback(self._later.discard)
        else:
            self._send(operation, body, ready, partial(_posted, operation, time.perf_counter(), ended))

    async def _post_later(self, operation: str, body: bytes, ended: Ended) -> None:
        began = time.perf_counter()
        try:
            ready = await self._ready_later()
        except NotApplied as error:
            outside.measured(outside.STORE, operation, began, outside.FAILED)
            ended(error)
        else:
            self._send(operation, body, ready, partial(_posted, operation, time.perf_counter(), ended))

    def _send(self, operation: str, body: bytes, ready: "_Ready", over: Callable[[Whole], None]) -> None:
        credentials, connection = ready
        head = self._signer.head(operation, body, credentials, time.time())
        connection.exchange(head + body, partial(self._over, connection, over))

    def _over(self, connection: Connection, over: Callable[[Whole], None], whole: Whole) -> None:
        self._give_back(connection)
        over(whole)

    def _ready(self) -> "_Ready | None":
        """What a request needs, where none of it has to be waited for."""
        credentials = self._credentials.known
        if self._closed or credentials is None or self._used >= MOST_CONNECTIONS:
            return None
        connection = self._kept()
        if connection is None:
            return None
        self._used += 1
        return _Ready(credentials, connection)

    async def _ready_later(self) -> "_Ready":
        """The same, waited for. Raises NotApplied."""
        if self._closed:
            raise not_applied()
        return _Ready(await self._credentials.present(), await self._connection())

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

    async def _connection(self) -> Connection:
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

    def _kept(self) -> Connection | None:
        """The one used last, so that those no longer needed grow idle."""
        while self._idle:
            connection = self._idle.pop()
            young = time.monotonic() - connection.idle_since < IDLE_SECONDS
            if connection.open and young and connection.loop is asyncio.get_running_loop():
                return connection
            connection.close()
        return None

    async def _opened(self) -> Connection:
        connection = Connection()
        self._all.add(connection)
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(lambda: connection, self._host, self._port, ssl=self._secure)
        try:
            await loop.create_task(opening, context=Context())  # what is told on it is nobody's
        except BaseException:
            connection.close()  # it may be open all the same, where nobody waits for it any more
            raise
        if self._closed:  # meanwhile
            connection.close()
        return connection

    def _give_back(self, connection: Connection) -> None:
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


class _Ready(NamedTuple):
    """What a request needs before it can be sent: credentials, and a connection that nobody else uses."""

    credentials: ReadOnlyCredentials
    connection: Connection


def _resolve(answer: "asyncio.Future[Whole]", whole: Whole) -> None:
    if not answer.done():
        answer.set_result(whole)


def _posted(operation: str, began: float, ended: Ended, whole: Whole) -> None:
    outside.measured(outside.STORE, operation, began, _outcome(whole))
    try:
        answer = _understood(whole)
    except Exception as error:  # noqa: BLE001 - handed on to who waits
        ended(error)
    else:
        ended(answer)


def _outcome(whole: Whole) -> str:
    if whole is None or whole[0] >= HTTP_FAILED:
        return outside.FAILED
    return outside.OK if whole[0] == HTTP_OK else outside.REFUSED


def _understood(whole: Whole) -> dict[str, Any]:
    if whole is None:
        raise outcome_unknown()
    status, answer = whole
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

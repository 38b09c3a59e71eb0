"""HTTP/1.1 as uvicorn speaks it, with bounds that it has none of: connections, the size of a head, and time.

Named by serve.py. A caller who opens a connection and sends nothing, or a byte now and then, is closed; how long a
body may take is answered in shared.web.body, and closed here where nobody reads it. Refusals have the one error
shape, and the connection ends with them. A request of the metered route that has come whole, and has nothing unusual
about it, is handed to shared.web.straight instead of the application.
"""

import asyncio
import json
import secrets
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shared.web.exchange import Exchange
from shared.web.log import new_id
from shared.web.places import ALWAYS_ANSWERED, PLACES
from shared.web.straight import STRAIGHT

MAX_CONNECTIONS = 1000
MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
HEAD_SECONDS = 10.0
BODY_SECONDS = 20.0
PAUSE_SECONDS = 0.25  # who does not wait before asking again is made to

_REFUSALS = {
    400: ("invalid_request", "This is no HTTP request that can be read; check what sends it."),
    408: ("request_timeout", "The request did not come in time; send it again, faster."),
    431: ("headers_too_large", f"The head has more than {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} headers."),
    503: ("overloaded", "There is more to do than this service takes on at once; send it again in a moment."),
}


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    max_connections = MAX_CONNECTIONS
    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._messages = 0
        self._open = False  # a message has begun and is not complete
        self._in_head = True
        self._head_bytes = 0
        self._problem = 400
        self._turned_away = False  # the message under way is answered already
        self._kept: list[bytes] | None = None  # the body so far of a message that may go straight once it is whole
        self._sent: dict[bytes, bytes] = {}  # its headers
        self._awaited: tuple[int, bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0  # 0 while a message is on its way or worked on
        self._idle_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        if len(self.connections) > self.max_connections:
            self._refuse(503)
        else:
            self._await((0, True))

    def connection_lost(self, exc: Exception | None) -> None:
        self._await(None)
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._idle_since = 0.0
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            self._await(None)
            return
        if self._kept is not None:
            self._to_app()  # which can wait for the rest
        if self._open and self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        elif self._open or self._awaited is not None:
            self._await((self._messages, self._in_head) if self._open else None)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._messages += 1
        self._open = self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._sent = dict(self.headers)
        self.expect_100_continue = self._sent.get(b"expect", b"").lower() == b"100-continue"
        if len(self.headers) > MAX_HEADERS or (self._head_bytes > MAX_HEAD_BYTES and self._size() > MAX_HEAD_BYTES):
            self._problem = 431
            raise ValueError("the head is too large")  # told by the parser, which calls send_400_response
        places = self.app_state.get(PLACES)
        if places is not None and places.full and self.url != ALWAYS_ANSWERED.encode() and self._answered:
            places.turn_away()
            self._turn_away()
        elif self._may_go_straight():
            self._kept = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._kept is not None:
            self._kept.append(body)
        elif not self._turned_away:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._kept is not None:
            self._go_straight(b"".join(self._kept))
        elif not self._turned_away:
            super().on_message_complete()
        self._turned_away = False
        self._open, self._in_head, self._head_bytes = False, True, 0

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as uvicorn calls it
        """What uvicorn calls for whatever can't be read."""
        self._refuse(self._problem)

    def _may_go_straight(self) -> bool:
        """Whether it is a call that brings a credential, comes from no page and asks nothing else of the connection."""
        straight = self.app_state.get(STRAIGHT)
        return (
            straight is not None
            and self.url == straight.url
            and self.parser.get_method() == b"POST"
            and b"authorization" in self._sent
            and b"origin" not in self._sent
            and self._answered
            and not self.flow.write_paused
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and self.parser.get_http_version() == "1.1"
        )

    def _go_straight(self, body: bytes) -> None:
        self._kept = None
        scope: Any = self.scope
        scope["method"], scope["path"] = "POST", self.url.decode("ascii")
        scope["raw_path"], scope["query_string"] = self.url, b""
        exchange: Any = Exchange(self, scope, self._sent, body, keep_alive=self.parser.should_keep_alive())
        self.cycle = exchange
        self.app_state[STRAIGHT].serve(exchange, self.app)

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Do it in a task of its own, which the server waits for when it ends."""
        task = self.loop.create_task(work, context=Context())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _to_app(self) -> None:
        """The message that was kept, as far as it has come, to the application."""
        kept, self._kept = self._kept or [], None
        super().on_headers_complete()
        for body in kept:
            super().on_body(body)

    def on_response_complete(self) -> None:
        """As the server's own, but for its timer for each answer: one that looks now and then costs less."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._idle_timer = None
        if self.transport.is_closing() or not self._idle_since:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self._idle_timer = self.loop.call_later(left, self._close_if_idle)

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _await(self, awaited: tuple[int, bool] | None) -> None:
        """Give the head or the body of a message its time; None where nothing is on its way."""
        if awaited == self._awaited:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._awaited = awaited
        if awaited is not None:
            seconds = self.head_seconds if awaited[1] else self.body_seconds
            self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(408)
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        if not self._answered:
            self.transport.close()
            return
        self.transport.write(_refusal(status, close=True))
        self.transport.close()

    @property
    def _answered(self) -> bool:
        """Whether every earlier request is answered; else what we'd say would be taken for the answer to that."""
        cycle: RequestResponseCycle | None = self.__dict__.get("cycle")
        return cycle is None or cycle.response_complete

    def _turn_away(self) -> None:
        """Refuse one request and let the connection live, but read nothing more from it for a moment."""
        self._turned_away = True
        self.transport.write(_refusal(503, close=False))
        self.flow.pause_reading()
        self.loop.call_later(PAUSE_SECONDS, self._listen_again)

    def _listen_again(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()


def _refusal(status: int, *, close: bool) -> bytes:
    """A whole answer, in the one error shape."""
    code, message = _REFUSALS[status]
    body = json.dumps({"error": code, "message": message, "requestId": new_id()}).encode()
    lines = [STATUS_LINE[status], b"content-type: application/json\r\ncache-control: no-store\r\n"]
    if status == 503:
        lines.append(b"retry-after: %d\r\n" % (1 + secrets.randbelow(3)))
    if close:
        lines.append(b"connection: close\r\n")
    return b"".join([*lines, b"content-length: %d\r\n\r\n" % len(body), body])

"""A kept-alive connection to the store: a request, its whole answer within a time, the next request.

Opened, kept and shared out by shared.adapters.dynamodb_http.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

READ_SECONDS = 1.5

Whole = tuple[int, bytes] | None  # an answer's status and body; None: the connection or the time ended before


class Connection(asyncio.Protocol):
    """One connection: a request, its whole answer, the next request."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.open = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._whole: Whole = None
        self._over: Callable[[Whole], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = cast(asyncio.Transport, transport), True
        self._transport.set_write_buffer_limits(high=0)  # a request leaves at once, not with all that is due now

    def connection_lost(self, _error: Exception | None) -> None:
        self.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
        if self._whole is not None:
            self._tell()

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.open = False
        if self._over is None or self._whole is not None:
            self.close()  # nobody asked for this: what follows can't be told apart from an answer
        else:
            self._whole = self._parser.get_status_code(), b"".join(self._parts)

    def exchange(self, request: bytes, over: Callable[[Whole], None]) -> None:
        """Send it; `over` is told its answer, never before this has returned."""
        self._parts, self._over = [], over
        if self._transport is None or self._transport.is_closing():
            self.loop.call_soon(self.close)
        else:
            self._timer = self.loop.call_later(READ_SECONDS, self.close)
            self._transport.write(request)

    def close(self) -> None:
        self.open = False
        if self._transport is not None and not self.loop.is_closed():
            self._transport.abort()
        self._tell()

    def _tell(self) -> None:
        over, whole = self._over, self._whole
        self._over = self._whole = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if over is not None:
            over(whole)

"""One request of the metered route and its answer, on the connection itself: no application in between.

Made by shared.web.protocol for shared.web.straight. To the server it stands where its own cycle would: what it looks at
there (is this answered, may the connection live on, has the caller gone) is here too.
"""

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shared.outside import Asked

if TYPE_CHECKING:
    from shared.web.protocol import BoundedHttp


class _Nobody:
    """Waits for nothing: a request is whole before it becomes an exchange."""

    def set(self) -> None:
        """As the server calls it when the caller has gone."""


class Exchange:
    """A whole request, answered in one go. `scope` is as the application would be given it.

    `sent` has its headers by name, in lower case; of one that was sent twice the last. `asked` is what it has asked of
    other systems so far.
    """

    __slots__ = ("_connection", "asked", "body", "disconnected", "keep_alive", "response_complete", "scope", "sent")

    message_event = _Nobody()
    asked: Asked

    def __init__(
        self, connection: "BoundedHttp", scope: Scope, sent: Mapping[bytes, bytes], body: bytes, *, keep_alive: bool
    ) -> None:
        self._connection = connection
        self.scope = scope
        self.sent = sent
        self.body = body
        self.keep_alive = keep_alive
        self.disconnected = self.response_complete = False

    def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Say it. `head` has the headers' lines, the body's length among them."""
        connection = self._connection
        self.response_complete = True
        if self.disconnected:
            return
        lines = [STATUS_LINE[status]]
        for name, value in connection.server_state.default_headers:
            lines += (name, b": ", value, b"\r\n")
        lines += (head, b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n", body)
        connection.transport.write(b"".join(lines))
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()

    def go_on(self, rest: Coroutine[None, None, None]) -> None:
        """Do what is left in a task, which the server waits for when it ends."""
        self._connection.begin(rest)

    def drop(self) -> None:
        """There will be no answer: end the connection, so that the caller learns of it."""
        if not self.response_complete:
            self.response_complete = True
            self._connection.transport.close()

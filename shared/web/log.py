"""Request ids and the canonical log line: one JSON line a request, also when its handler raises.

`RequestLog` is every service's outermost middleware; shared.web.straight does the same for the route it serves. Routes
add facts with `note`; never a key, a token or a body.
"""

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics, outside
from shared.adapters.tracing import Traces
from shared.web.lines import LinesTogether

logger = logging.getLogger("dream_api.request")
_services = logging.getLogger("dream_api")

TRACES = "traces"  # in the lifespan's state, None where they are off

_FOREIGN_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")

SECURITY_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
_ON_THE_WIRE = tuple((name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS)
_GIVEN_TO_ALL = frozenset({b"x-request-id", *(name for name, _ in _ON_THE_WIRE)})


def note(scope: Scope, **facts: Any) -> None:
    """Add facts to this request's log line."""
    scope["state"].setdefault("facts", {}).update(facts)


def request_id(scope: Scope) -> str:
    found: str = scope["state"].get("request_id", "")
    return found


class RequestLog:
    """Gives each request its id, each answer its id and security headers, and writes the line."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = begin(scope, given_id(scope))
        outside.follow(asked)
        named = request_id(scope)
        status = 500

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = dress(message["headers"], named)
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        finally:
            end(self._service, scope, status, asked)


def begin(scope: Scope, given_id: bytes | None) -> outside.Asked:
    """Give the request its facts and its id, in its state: the one it was sent with, where that is a good one."""
    state: dict[str, Any] = scope.setdefault("state", {})
    good = None if given_id is None else _FOREIGN_ID.fullmatch(given_id)
    state["request_id"] = new_id() if good is None else good[0].decode("ascii")
    state["facts"] = {}
    return outside.Asked([] if state.get(TRACES) is not None else None)


def given_id(scope: Scope) -> bytes | None:
    """The id the request was sent with, good or not."""
    return next((value for name, value in scope["headers"] if name == b"x-request-id"), None)


def dress(headers: Iterable[tuple[bytes, bytes]], named: str) -> list[tuple[bytes, bytes]]:
    """An answer's headers with the request's id, and with the security headers it does not have of its own."""
    given = {name for name, _ in headers}
    return [
        *(header for header in headers if header[0] != b"x-request-id"),
        (b"x-request-id", named.encode()),
        *(header for header in _ON_THE_WIRE if header[0] not in given),
    ]


def dressing(named: str) -> str:
    """What that gives an answer which has none of these headers of its own, as the lines of a head."""
    return f"{_LINES}x-request-id: {named}\r\n"


def dressed_lines(headers: Iterable[tuple[bytes, bytes]], named: str) -> bytes:
    """The whole of it as the lines of a head: lower case, without line breaks inside."""
    lines = [dressing(named).encode()]
    for name, value in headers:
        if name in _GIVEN_TO_ALL:  # an answer that says it itself: rare enough
            return head_lines(dress(headers, named))
        lines += (name, b": ", value, b"\r\n")
    return b"".join(lines)


def head_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


_LINES = head_lines(_ON_THE_WIRE).decode()


def end(service: str, scope: Scope, status: int, asked: outside.Asked) -> None:
    """Tell of a request that is answered: its line, and its span where it is traced."""
    _write_line(service, scope, status, asked)
    traces: Traces | None = scope["state"].get(TRACES)
    if traces is not None:
        traces.request(scope, status, asked)
    asked.forget()


def _write_line(service: str, scope: Scope, status: int, asked: outside.Asked) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    lines = _lines()
    if lines is None:
        logger.info("request", extra={"facts": _told({}, service, scope, status, asked)})
        return
    line = _told(lines.begun("request"), service, scope, status, asked)
    lines.say(line)
    if _services.handlers:
        metrics.request(line)


def _lines() -> LinesTogether | None:
    """Who writes the lines, where nobody hears them but who `configure` has set up: without a record they cost half."""
    handlers = logging.root.handlers
    if len(handlers) != 1 or logger.handlers:
        return None
    for handler in _services.handlers:
        if type(handler) is not metrics.FromLog:
            return None
    return handlers[0] if isinstance(handlers[0], LinesTogether) else None


def _told(line: dict[str, Any], service: str, scope: Scope, status: int, asked: outside.Asked) -> dict[str, Any]:
    """The line, or a record's facts: what it begins with, and what is told of the request."""
    state = scope["state"]
    return {
        **line,
        "service": service,
        "requestId": state["request_id"],
        "method": scope["method"],
        "route": getattr(scope.get("route"), "path", None),
        "status": status,
        "ms": int((time.perf_counter() - asked.began) * 100_000) / 100,  # `round` costs more than all else here
        **state["facts"],
        **asked.facts(),
    }


class _Ids:
    """Random names, 96 bits in hex. The system's source is asked for many at once: asking costs more than the name."""

    BYTES, AT_ONCE = 12, 256

    def __init__(self) -> None:
        self._ready: list[str] = []

    def next(self) -> str:
        if not self._ready:
            drawn = secrets.token_hex(self.BYTES * self.AT_ONCE)
            self._ready = [drawn[at : at + 2 * self.BYTES] for at in range(0, len(drawn), 2 * self.BYTES)]
        return self._ready.pop()


_ids = _Ids()


def new_id() -> str:
    """A request id, for a request that came without one."""
    return "req_" + _ids.next()


def configure(level: str, *, counted: bool = False) -> None:
    """JSON lines on standard output, `counted` as metrics too; called once, when a service starts."""
    # What no line shows need not be looked up for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [LinesTogether(sys.stdout.buffer)]
    root.setLevel(logging.WARNING)
    for name in ("dream_api", "uvicorn.error"):
        logging.getLogger(name).setLevel(level.upper())
    if counted:
        metrics.attach(logging.getLogger("dream_api"))

"""Request ids and the canonical log line: one JSON line a request, also when its handler raises.

`RequestLog` is every service's outermost middleware. Routes add facts with `note`; never a key, a token or a body.
"""

import json
import logging
import re
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics, outside
from shared.adapters.tracing import Traces

logger = logging.getLogger("dream_api.request")

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
        # Lifespan state is shared; each request gets its own copy to write in.
        state = scope["state"] = dict(scope.get("state") or {})
        state["request_id"] = _given_id(scope) or "req_" + secrets.token_hex(12)
        traces: Traces | None = state.get(TRACES)
        asked = outside.begin(traced=traces is not None)
        status = 500

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                given = {name for name, _ in headers}
                message["headers"] = [
                    *(header for header in headers if header[0] != b"x-request-id"),
                    (b"x-request-id", state["request_id"].encode()),
                    *(header for header in _ON_THE_WIRE if header[0] not in given),
                ]
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        finally:
            self._write(scope, status, asked)
            if traces is not None:
                traces.request(scope, status, asked)
            asked.forget()

    def _write(self, scope: Scope, status: int, asked: outside.Asked) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        route = scope.get("route")
        facts = {
            "service": self._service,
            "requestId": request_id(scope),
            "method": scope["method"],
            "route": getattr(route, "path", None),
            "status": status,
            "ms": round((time.perf_counter() - asked.began) * 1000, 2),
            **scope["state"].get("facts", {}),
            **asked.facts(),
        }
        # Made here, because logger.info looks for its caller through the whole stack first.
        record = logging.LogRecord(logger.name, logging.INFO, __file__, 0, "request", None, None)
        record.facts = facts
        logger.handle(record)


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode("ascii") if _FOREIGN_ID.fullmatch(value) else None
    return None


class JsonLines(logging.Formatter):
    """One JSON object a record; control characters and line breaks can't forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _instant(record.created),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ascii(line)


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _ascii(line: dict[str, Any]) -> str:
    """As JSON in ASCII only: other alphabets have line breaks of their own, which must not start a line."""
    try:
        written = orjson.dumps(line, default=str)
    except TypeError:
        written = b""
    if written and written.isascii():
        return written.decode()
    return json.dumps(line, ensure_ascii=True, default=str)


def configure(level: str, *, counted: bool = False) -> None:
    """JSON lines on standard output, `counted` as metrics too; called once, when a service starts."""
    # What no line shows need not be looked up for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("dream_api", "uvicorn.error"):
        logging.getLogger(name).setLevel(level.upper())
    if counted:
        metrics.attach(logging.getLogger("dream_api"))

"""How log lines look and are written: JSON, one line each, those of a moment in one go.

`LinesTogether` is the services' one handler (set by shared.web.log); tests give the formatter a handler of theirs.
"""

import asyncio
import json
import logging
import time
from datetime import UTC, datetime
from functools import lru_cache
from threading import RLock
from typing import Any, BinaryIO

import orjson

GATHER_SECONDS = 0.05
MOST_LINES = 100


class JsonLines(logging.Formatter):
    """One JSON object a record; control characters and line breaks can't forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        return self.line(record).decode()

    def line(self, record: logging.LogRecord) -> bytes:
        """The same as bytes, without the line's end."""
        line = _begun(record.created, record.levelname.lower(), record.getMessage()) | getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ascii(line)


def _begun(seconds: float, level: str, event: str) -> dict[str, Any]:
    """What every line begins with."""
    return {"time": _instant(int(seconds * 1000)), "level": level, "event": event}


@lru_cache(4)  # calls that were counted together are answered in the same millisecond
def _instant(milliseconds: int) -> str:
    second, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(second, UTC).strftime('%Y-%m-%dT%H:%M:%S')}.{rest:03d}+00:00"


def _ascii(line: dict[str, Any]) -> bytes:
    """As JSON in ASCII only: other alphabets have line breaks of their own, which must not start a line."""
    try:
        written = orjson.dumps(line, default=str)
    except TypeError:
        written = b""
    if written and written.isascii():
        return written
    return json.dumps(line, ensure_ascii=True, default=str).encode()


class LinesTogether(logging.Handler):
    """Writes the lines of a moment in one go: on its own, each would cost as much as the work it tells of.

    A moment is `GATHER_SECONDS`, within an event loop; outside one, and from warnings on, a line is written at once.
    So the lines a killed process takes with it are those of its last moment, none of them a warning.
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._gathering = RLock()
        self._text = bytearray()  # one, as each line on its own would hold a kilobyte until it is written
        self._lines = 0
        self._due_in: asyncio.AbstractEventLoop | None = None
        self._json = JsonLines()

    def handle(self, record: logging.LogRecord) -> bool:
        """As every handler does, but for filters: it has none."""
        with self._gathering:
            self.emit(record)
        return True

    def begun(self, event: str) -> dict[str, Any]:
        """What a line of now begins with, for `say`."""
        return _begun(time.time(), "info", event)

    def say(self, line: dict[str, Any]) -> None:
        """A line that comes as no record."""
        with self._gathering:
            try:
                self._gather(_ascii(line), at_once=False)
            except Exception:  # noqa: BLE001 - as in `emit`
                self.handleError(logging.makeLogRecord({"msg": line["event"]}))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._gather(self._json.line(record), at_once=record.levelno >= logging.WARNING)
        except Exception:  # noqa: BLE001 - as every handler: what can't be logged must not end what it tells of
            self.handleError(record)

    def _gather(self, line: bytes, *, at_once: bool) -> None:
        self._text += line
        self._text += b"\n"
        self._lines += 1
        if at_once or self._lines >= MOST_LINES or not self._will_be_flushed():
            self.flush()

    def flush(self) -> None:
        """Write what is gathered; also called at the interpreter's end."""
        with self._gathering:
            text, self._text, self._lines = self._text, bytearray(), 0
            if text:
                self._stream.write(text)
                self._stream.flush()

    def _will_be_flushed(self) -> bool:
        """Whether a timer is set in a loop that lives, or can be."""
        if self._due_in is not None and not self._due_in.is_closed():
            return True
        try:
            self._due_in = asyncio.get_running_loop()
        except RuntimeError:
            return False
        self._due_in.call_later(GATHER_SECONDS, self._flush_due)
        return True

    def _flush_due(self) -> None:
        self._due_in = None
        self.flush()

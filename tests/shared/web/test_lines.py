"""Lines as a service writes them: those of a moment together and in order, the canonical one with no record or with."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from shared import metrics
from shared.web.lines import GATHER_SECONDS, MOST_LINES, LinesTogether
from tests.serving import serving
from tests.shared.web.test_frame import app

ID = {"X-Request-Id": "abc-1"}


class Out(io.BytesIO):
    """Remembers what was written in one go."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ended = False

    def write(self, written: Any) -> int:
        if self.ended:
            raise BrokenPipeError
        self.writes.append(bytes(written))
        return len(self.writes[-1])

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in b"".join(self.writes).splitlines()]


class Listener(logging.Handler):
    """Somebody else who hears of every line."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@contextmanager
def service_output() -> Iterator[Out]:
    """What a service's standard output gets, with no listener but its own: the test runner has some."""
    root, services, stream = logging.getLogger(), logging.getLogger("dream_api"), Out()
    before, level = root.handlers[:], services.level
    root.handlers[:] = [LinesTogether(stream)]
    services.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.handlers[:] = before
        services.setLevel(level)


@contextmanager
def heard_by(listener: logging.Handler) -> Iterator[None]:
    logging.getLogger("dream_api").addHandler(listener)
    try:
        yield
    finally:
        logging.getLogger("dream_api").removeHandler(listener)


def together() -> LinesTogether:
    (lines,) = logging.getLogger().handlers
    assert isinstance(lines, LinesTogether)
    return lines


async def line_of_one_request(out: Out) -> dict[str, Any]:
    out.writes.clear()
    async with serving(app()) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        await client.get("/raise/conflict?a=b", headers=ID)
    together().flush()
    (line,) = [line for line in out.lines() if line["event"] == "request"]
    return line


async def test_a_request_is_told_alike_whether_or_not_somebody_else_listens() -> None:
    listener = Listener()
    with service_output() as out:
        alone = await line_of_one_request(out)
        with heard_by(listener):
            beside = await line_of_one_request(out)
    assert listener.heard == ["request"]
    assert list(alone) == list(beside)
    assert alone | {"time": 0, "ms": 0} == beside | {"time": 0, "ms": 0}
    assert alone | {"time": 0, "ms": 0} == {
        "time": 0,
        "level": "info",
        "event": "request",
        "service": "frame",
        "requestId": "abc-1",
        "method": "GET",
        "route": "/raise/{kind}",
        "status": 409,
        "ms": 0,
        "kind": "conflict",
        "error": "conflict",
    }


async def test_a_request_is_counted_where_metrics_are_the_only_other_listener() -> None:
    def told() -> float:
        (found,) = metrics.REQUESTS.labels("frame", "GET", "/raise/{kind}", 409).collect()
        return sum(sample.value for sample in found.samples if sample.name.endswith("_total"))

    before = told()
    with service_output() as out, heard_by(metrics.FromLog()):
        await line_of_one_request(out)
    assert told() == before + 1


async def test_lines_of_a_moment_are_written_together_and_a_warning_at_once_after_those_before_it() -> None:
    logger = logging.getLogger("dream_api.of_a_test")
    with service_output() as out:
        lines = together()
        lines.say(lines.begun("first"))
        logger.info("second")
        assert out.writes == []
        await asyncio.sleep(2 * GATHER_SECONDS)
        assert ([line["event"] for line in out.lines()], len(out.writes)) == (["first", "second"], 1)
        lines.say(lines.begun("third"))
        logger.warning("fourth")
        assert [line["event"] for line in out.lines()] == ["first", "second", "third", "fourth"]
        for _ in range(MOST_LINES):
            lines.say(lines.begun("many"))
        assert len(out.lines()) == 4 + MOST_LINES


async def test_a_line_can_neither_forge_a_second_one_nor_end_what_it_tells_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with service_output() as out:
        lines = together()
        lines.say(lines.begun("odd") | {"userId": 'x\n{"event": "forged"}\u2028\ud800'})
        lines.flush()
        assert len(b"".join(out.writes).decode().splitlines()) == 1
        out.ended = True  # as a pipe whose reader has gone
        for _ in range(MOST_LINES):
            lines.say(lines.begun("unheard"))
    assert "BrokenPipeError" in capsys.readouterr().err

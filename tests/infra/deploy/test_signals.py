"""The metric filters read what the services really log: the same words, the same members."""

import ast
import json
import logging
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from infra.deploy.signals import SIGNALS, Signal, resources
from shared.web.lines import JsonLines
from shared.web.log import RequestLog

ROOT = Path(__file__).parents[3]


def words(package: str) -> set[str]:
    """The words of every line that is logged, in a package and in what it shares."""
    found = set()
    for path in [*(ROOT / package).rglob("*.py"), *(ROOT / "shared").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                owner, first = node.func.value, node.args[0]
                if isinstance(owner, ast.Name) and owner.id == "logger" and isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda one: one.name)
def test_every_word_that_is_counted_is_a_word_that_is_logged(signal: Signal) -> None:
    for service in signal.services:
        assert set(signal.events) <= words(service.package), service.package


def matches(pattern: str, line: dict[str, object]) -> bool:
    """A filter pattern of the few shapes used here, judged on one line."""

    def one(found: re.Match[str]) -> str:
        member, operator, value = found.groups()
        wanted = json.loads(value)
        present = line.get(member)
        if operator == "=":
            return str(present == wanted)
        return str(isinstance(present, int) and present >= wanted)

    judged = re.sub(r'\(\$\.(\w+) (=|>=) ("[^"]*"|\d+)\)', one, pattern.strip("{} "))
    return _judge(judged)


def _judge(text: str) -> bool:
    flat = text.replace("(", "").replace(")", "")
    return all(any(part.strip() == "True" for part in group.split("||")) for group in flat.split("&&"))


@pytest.mark.parametrize(("status", "counted"), [(200, set()), (400, {"WebhookRefused"}), (503, {"WebhookFailed"})])
def test_a_webhook_that_fails_is_counted_from_its_line(status: int, counted: set[str]) -> None:
    async def webhook(_request: Request) -> Response:
        return JSONResponse({}, status)

    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    logger = logging.getLogger("dream_api.request")
    handler = Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        app = Starlette(routes=[Route("/webhook/stripe", webhook, methods=["POST"])])
        with TestClient(RequestLog(app, "tenant_api")) as client:
            client.post("/webhook/stripe")
    finally:
        logger.removeHandler(handler)
    (line,) = [json.loads(text) for text in lines]
    assert {signal.name for signal in SIGNALS if matches(signal.pattern, line)} == counted


def test_a_pass_of_the_worker_tells_how_late_it_was() -> None:
    lag = next(signal for signal in SIGNALS if signal.name == "SyncLag")
    assert matches(lag.pattern, {"event": "sync", "lagMs": 12.5})
    assert not matches(lag.pattern, {"event": "sync failed"})
    assert (lag.value, lag.statistic, lag.more_than) == ("$.lagMs", "Maximum", 2000)
    assert '"lagMs"' in (ROOT / "oauth_bridge/outbox.py").read_text()


def test_a_filter_is_on_the_log_of_its_own_service() -> None:
    found = resources()["OauthBridgeSyncLagFilter"]["Properties"]
    assert found["LogGroupName"] == {"Fn::Sub": "/dream-api/${Environment}/oauth_bridge"}
    assert found["MetricTransformations"][0]["MetricValue"] == "$.lagMs"

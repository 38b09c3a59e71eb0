"""What every answer has in common: one error shape, a request id, security headers, and one log line a request."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from pydantic import Field
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.domain.errors import Conflict, RateLimited, Unauthenticated, Unavailable
from shared.web.auth import bearer
from shared.web.body import Body, json_body
from shared.web.errors import LastResort, exception_handlers
from shared.web.health import Readiness
from shared.web.lines import JsonLines
from shared.web.log import RequestLog, note
from tests.serving import serving

ERRORS = {
    "conflict": Conflict("Taken.", knownNames=["a"]),
    "limited": RateLimited("Slow down.", retry_after_seconds=7),
    "unauthenticated": Unauthenticated("Who?"),
}


class Numbers(Body):
    count: int = Field(default=1, ge=1)
    name: str | None = None


async def raising(request: Request) -> Response:
    kind = request.path_params["kind"]
    note(request.scope, kind=kind)
    if kind == "unforeseen":
        raise RuntimeError("secret: hunter2")
    raise ERRORS[kind]


async def echo(request: Request) -> Response:
    return JSONResponse((await json_body(request, Numbers)).model_dump())


async def credential(request: Request) -> Response:
    return JSONResponse({"credential": bearer(request)})


async def down() -> None:
    raise Unavailable("Down.")


async def fine() -> None:
    return None


async def readiness(request: Request) -> Response:
    return await Readiness({"store": down if "down" in request.query_params else fine}, {"other": fine}).answer()


def app() -> Starlette:
    return Starlette(
        routes=[
            Route("/raise/{kind}", raising),
            Route("/echo", echo, methods=["POST"]),
            Route("/credential", credential),
            Route("/ready", readiness),
        ],
        middleware=[
            Middleware(RequestLog, service="frame"),
            Middleware(CORSMiddleware, allow_origins=["https://a.example.com"]),
            Middleware(LastResort),
        ],
        exception_handlers=exception_handlers,
    )


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(app()) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("dream_api")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.setLevel(before)
    logger.removeHandler(handler)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_an_unforeseen_error_is_a_500_that_shows_nothing_and_can_be_read_across_origins(
    http: httpx2.AsyncClient, log: io.StringIO
) -> None:
    answer = await http.get("/raise/unforeseen", headers={"Origin": "https://a.example.com"})
    assert answer.status_code == 500
    assert answer.json()["error"] == "internal_error"
    assert "hunter2" not in answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example.com"
    traceback, request = lines(log)
    assert "hunter2" in traceback["exception"]
    assert traceback["requestId"] == request["requestId"] == answer.json()["requestId"]
    assert (request["status"], request["error"], request["kind"]) == (500, "internal_error", "unforeseen")


@pytest.mark.parametrize(
    ("kind", "status", "headers"),
    [
        ("conflict", 409, {}),
        ("limited", 429, {"Retry-After": "7"}),
        ("unauthenticated", 401, {"WWW-Authenticate": 'Bearer realm="dream-api"'}),
    ],
)
async def test_a_refusal_has_its_status_code_facts_and_headers(
    http: httpx2.AsyncClient, kind: str, status: int, headers: dict[str, str]
) -> None:
    answer = await http.get(f"/raise/{kind}")
    error = ERRORS[kind]
    assert answer.status_code == status
    expected = {"error": error.code, "message": error.message, "requestId": answer.headers["X-Request-Id"]}
    assert answer.json() == expected | error.facts
    assert headers.items() <= {name: answer.headers.get(name) for name in headers}.items()


async def test_unknown_addresses_and_methods_have_the_same_shape(http: httpx2.AsyncClient) -> None:
    missing, wrong = await http.get("/nowhere"), await http.get("/echo")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["error"], wrong.headers["Allow"]) == (405, "method_not_allowed", "POST")


async def test_every_answer_forbids_storing_sniffing_and_framing(http: httpx2.AsyncClient) -> None:
    for path in ("/ready", "/nowhere", "/raise/unforeseen"):
        headers = (await http.get(path)).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in headers or "uvicorn" in headers["Server"]  # left out by shared.web.serve


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'"x"', "body"),
        (b'{"count": "3"}', "count"),
        (b'{"count": 0}', "count"),
        (b'{"count": NaN}', "count"),
        (b'{"counts": 3}', "counts"),
        (b'{"name": 3}', "name"),
        (b"\xff\xfe", "body"),
        (b"[" * 10_000, "body"),
    ],
)
async def test_a_bad_body_is_a_400_that_names_the_field(http: httpx2.AsyncClient, body: bytes, field: str) -> None:
    answer = await http.post("/echo", content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"] == field


async def test_a_large_body_is_a_413_told_beforehand_or_not(http: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield b" " * 1024

    for content in (b" " * 80 * 1024, chunks()):
        answer = await http.post("/echo", content=content)
        assert (answer.status_code, answer.json()["error"]) == (413, "payload_too_large")


async def test_an_empty_body_means_the_defaults(http: httpx2.AsyncClient) -> None:
    assert (await http.post("/echo")).json() == {"count": 1, "name": None}


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic eDp5")],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("Authorization", "Bearer " + "x" * 8193)],
    ],
)
async def test_an_authorization_header_that_can_not_be_read_is_a_401(
    http: httpx2.AsyncClient, sent: list[tuple[str, str]]
) -> None:
    assert (await http.get("/credential", headers=sent)).status_code == 401


async def test_the_credential_is_what_follows_bearer(http: httpx2.AsyncClient) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = await http.get("/credential", headers={"Authorization": f"{scheme} abc.def"})
        assert answer.json() == {"credential": "abc.def"}


@pytest.mark.parametrize("given", ["a b", "x" * 65, "é", "<script>", ""])
async def test_a_forged_request_id_is_replaced(http: httpx2.AsyncClient, given: str) -> None:
    answer = await http.get("/ready", headers=[(b"X-Request-Id", given.encode())])
    assert answer.headers["X-Request-Id"].startswith("req_")


async def test_a_good_request_id_is_kept_and_logged(http: httpx2.AsyncClient, log: io.StringIO) -> None:
    answer = await http.get("/ready?code=secret", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["X-Request-Id"] == "abc-1"
    (line,) = lines(log)
    assert (line["requestId"], line["route"], line["method"], line["status"]) == ("abc-1", "/ready", "GET", 200)
    assert "secret" not in log.getvalue()


async def test_readiness_names_what_is_down(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/ready?down")
    assert (answer.status_code, answer.json()["down"], answer.headers["Retry-After"]) == (503, ["store"], "2")
    assert (await http.get("/ready")).json() == {"status": "ready", "dependencies": {"store": "up", "other": "up"}}


def test_a_line_break_can_not_forge_a_second_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "a\nb", None, None)
    record.facts = {"userId": 'x\n{"event": "forged"}\u2028'}
    assert len(JsonLines().format(record).splitlines()) == 1

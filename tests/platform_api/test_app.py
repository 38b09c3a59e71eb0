import io
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from platform_api import app
from platform_api.settings import Settings
from shared import VERSION
from tests.clocks import SetClock
from tests.platform_api.service import Service
from tests.serving import serving
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORIGIN = "https://platform.example.com"
CLOSED_PORT = "http://127.0.0.1:1"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def storeless(settings: Settings, issuer: Issuer, served_clock: SetClock) -> AsyncIterator[Service]:
    """A developer of a platform_api whose store is down."""
    alone = app.build(settings.model_copy(update={"dynamodb_endpoint": CLOSED_PORT}), served_clock)
    async with serving(alone) as address, Service.at(address, issuer, served_clock) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/nothing-here", "/usage/", "/verify-auth/x", "/redoc"])
async def test_an_unknown_address_is_a_404_in_the_one_shape(service: Service, path: str) -> None:
    answer = await service.http.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "message", "requestId"}
    assert answer.json()["error"] == "not_found"


async def test_a_wrong_method_is_a_405_that_lists_the_right_ones(service: Service) -> None:
    answer = await service.http.get("/verify-auth")
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


async def test_a_foreign_origin_gets_no_permission(service: Service) -> None:
    answer = await service.http.get("/health", headers={"Origin": "https://evil.example.com"})
    assert "Access-Control-Allow-Origin" not in answer.headers
    asked = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST"}
    assert (await service.http.options("/verify-auth", headers=asked)).status_code == 400


async def test_our_own_pages_may_call_without_cookies(service: Service) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, x-request-id",
    }
    preflight = await service.http.options("/verify-auth", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    answer = await service.http.get("/health", headers={"Origin": ORIGIN})
    assert answer.headers["Vary"] == "Origin"
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"} <= set(exposed.split(", "))


async def test_errors_too_can_be_read_by_our_own_pages(service: Service) -> None:
    answer = await service.http.get("/usage", headers={"Origin": ORIGIN})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_is_healthy_and_ready_with_a_store(service: Service) -> None:
    assert (await service.http.get("/health")).json() == {"status": "ok", "version": VERSION, "commit": None}
    assert (await service.http.get("/ready")).json()["dependencies"] == {"store": "up", "clerk": "up"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/verify-auth"),
        ("GET", "/usage"),
        ("POST", "/generate-credentials"),
        ("GET", "/get-credentials"),
        ("POST", "/rotate-credentials"),
        ("POST", "/revoke-credentials"),
        ("GET", "/ready"),
    ],
)
async def test_without_a_store_says_503_within_three_seconds(
    storeless: Service, log: io.StringIO, method: str, path: str
) -> None:
    began = time.monotonic()
    answer = await (storeless.post(path) if method == "POST" else storeless.get(path))
    assert time.monotonic() - began < 3
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await storeless.http.get("/health")).status_code == 200
    assert "Traceback" not in log.getvalue()


async def test_without_clerk_a_first_token_is_a_503_and_not_a_401(
    settings: Settings, issuer: Issuer, clock: SetClock
) -> None:
    unreachable = settings.developer_clerk.model_copy(update={"issuer_override": CLOSED_PORT})
    alone = app.build(settings.model_copy(update={"developer_clerk": unreachable}), clock)
    async with serving(alone) as address, Service.at(address, issuer, clock) as service:
        answer = await service.get("/usage")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")

"""The service as a whole: who may call it from a browser, its error shape, and the worker inside it."""

import asyncio

from shared.adapters.system import utc_now
from tests.oauth_bridge.conftest import Served
from tests.oauth_bridge.sides import PlatformSide, TenantSide, agree, created


async def test_pages_of_other_origins_are_not_let_in(served: Served) -> None:
    asked = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "PUT"}
    answer = await served.http.options("/tiers", headers=asked)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


async def test_the_dashboard_is_let_in(served: Served) -> None:
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = await served.http.options("/tiers", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert answer.headers["access-control-allow-credentials"] == "true"  # the cookie of a handshake


async def test_an_unknown_address_is_a_404_in_the_one_shape(served: Served) -> None:
    for path in ("/nothing", "/tiers/"):
        answer = await served.http.get(path)
        assert answer.status_code == 404
        assert set(answer.json()) == {"error", "message", "requestId"}


async def test_a_method_that_an_address_does_not_take_is_told_those_it_takes(served: Served) -> None:
    answer = await served.http.delete("/tiers")
    assert answer.status_code == 405
    assert answer.json()["error"] == "method_not_allowed"
    assert {"GET", "PUT"} <= set(answer.headers["allow"].split(", "))


async def test_the_worker_runs_while_the_service_does(
    served: Served, platform: PlatformSide, tenant: TenantSide
) -> None:
    await platform.change(created(), utc_now())
    async with asyncio.timeout(5):
        while not await agree(platform, tenant, utc_now()):
            await asyncio.sleep(0.05)

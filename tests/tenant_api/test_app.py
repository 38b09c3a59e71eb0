"""The frame around tenant_api's routes: unknown addresses, other origins, no store, start-up."""

import gc
import time

import pytest

from shared.adapters.dynamodb import Dynamo
from shared.domain.tiers import Price, Tier, TierConfig
from tenant_api import app
from tenant_api.settings import Settings
from tests.clocks import SetClock
from tests.serving import serving
from tests.tenant_api.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", ["/nothing", "/api/data/", "/api/usage/x"])
async def test_an_unknown_address_is_a_404_in_the_one_shape(service: Service, path: str) -> None:
    answer = await service.http.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_a_wrong_method_is_a_405(service: Service) -> None:
    answer = await service.http.get("/api/data")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_any_origin_may_ask_but_never_with_cookies(service: Service) -> None:
    asked = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}
    preflight = await service.http.options("/api/data", headers=asked)
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in preflight.headers


@pytest.mark.parametrize("platform_id", ["", "plt_1", "plt_" + "A" * 32, "x" * 500])
async def test_tiers_of_an_id_that_can_be_none_are_a_400(service: Service, platform_id: str) -> None:
    assert (await service.http.get("/api/tiers", params={"platformId": platform_id})).status_code == 400


async def test_tiers_of_an_unknown_platform_are_a_404(service: Service) -> None:
    answer = await service.http.get("/api/tiers", params={"platformId": "plt_" + "0" * 32})
    assert answer.status_code == 404


async def test_published_tiers_are_open_to_everybody(service: Service) -> None:
    config = TierConfig((Tier("free", "Free", 7, price=Price(0, "usd", "month"), features=("a", "b")),), 3)
    platform = await service.platform(config)
    answer = await service.http.get("/api/tiers", params={"platformId": platform.platform_id})
    expected = [tier.to_json() for tier in config.tiers]
    assert answer.json() == {"platformId": platform.platform_id, "version": 3, "tiers": expected}


async def test_without_a_store_every_route_is_a_503_within_three_seconds(
    service: Service, settings: Settings, clock: SetClock
) -> None:
    platform = await service.platform()
    alone = settings.model_copy(update={"dynamodb_endpoint": "http://127.0.0.1:1"})
    headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "alice"}
    async with serving(app.build(alone, clock)) as address:
        for method, path in (("POST", "/api/data"), ("GET", "/api/usage"), ("GET", "/ready")):
            began = time.monotonic()
            answer = await service.http.request(method, address + path, headers=headers)
            assert (answer.status_code, time.monotonic() - began < 3) == (503, True)
            assert int(answer.headers["Retry-After"]) >= 1
        assert (await service.http.get(address + "/health")).status_code == 200


async def test_what_a_service_needs_is_there_when_it_says_that_it_has_started(
    settings: Settings, clock: SetClock
) -> None:
    """From then on the collector leaves it alone: the store's client is 35,000 objects to look through."""
    before, more = _store_clients(), []
    async with serving(app.build(settings, clock, started=lambda: more.append(_store_clients() - before))):
        assert more == [1]


def _store_clients() -> int:
    gc.collect()
    return sum(isinstance(one, Dynamo) for one in gc.get_objects())

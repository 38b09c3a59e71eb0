"""Registering without the platform: off by default, limited per address, and a key that works."""

import pytest

from tenant_api import app
from tenant_api.settings import Settings
from tests.clocks import SetClock
from tests.serving import serving
from tests.tenant_api.service import Service
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_is_a_404_where_it_is_switched_off(service: Service, settings: Settings, clock: SetClock) -> None:
    off = settings.model_copy(update={"registration_enabled": False})
    async with serving(app.build(off, clock)) as address:
        answer = await service.http.post(address + "/api/developer/register", json={"email": "dev@example.com"})
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize("email", ["", "dev", "a@b@c", "a b@c", "dev@exam\nple.com", "x" * 250 + "@b.com", 5, None])
async def test_an_odd_address_is_a_400(service: Service, email: object) -> None:
    answer = await service.http.post("/api/developer/register", json={"email": email})
    assert answer.status_code == 400


async def test_too_many_from_one_address_are_a_429(
    service: Service, settings: Settings, issuer: Issuer, clock: SetClock
) -> None:
    clock.advance(days=60)  # registrations of the other tests come from this address too
    few = settings.model_copy(update={"registration_per_minute": 2})
    async with serving(app.build(few, clock)) as address:
        statuses = []
        for index in range(3):
            sent = {"email": f"dev{index}@example.com"}
            statuses.append((await service.http.post(address + "/api/developer/register", json=sent)).status_code)
    assert statuses == [201, 201, 429]


async def test_a_registered_key_works_at_once_and_is_stored_as_its_hash_only(service: Service) -> None:
    answer = await service.http.post("/api/developer/register", json={"email": "dev@example.com"})
    assert answer.status_code == 201
    platform_id, key = answer.json()["platformId"], answer.json()["apiKey"]
    assert (await service.call(key, {"X_User_Id": "alice"})).status_code == 200
    stored = await service.dynamo.query(service.tokens_table, f"platform:{platform_id}")
    assert [item["email"] for item in stored] == ["dev@example.com"]
    assert key not in repr(stored)
    tiers = await service.http.get("/api/tiers", params={"platformId": platform_id})
    assert tiers.json()["tiers"][0]["limit"] == 100

"""An event that Stripe delivers after a developer was erased brings nothing of them back; nor does reconcile."""

import asyncio
from datetime import UTC, datetime

import boto3
import pytest

from infra.data.erasing import developer, done
from infra.data.store import Store
from tests.conftest import REGION
from tests.platform_api.billing.world import World


@pytest.mark.asyncio(loop_scope="session")
async def test_an_event_after_the_erasure_brings_nobody_back(world: World) -> None:
    user = await world.developer()
    await world.subscribe(user)
    await world.settled()
    await world.stripe.control("weather", hold=True)
    await world.in_portal(user, "cancel_now")
    held = (await world.stripe.look("deliveries", state="held"))["deliveries"]
    async with world.billing() as billing:
        await billing.reconcile.one(user["id"])  # what is still paid for is not erased
        await asyncio.to_thread(erase, world, user["id"])
        for one in held:
            assert (await world.stripe.control("redeliver", event=one["event"], times=2))["statuses"] == [200, 200]
        assert [finding async for finding in billing.reconcile.everything() if user["id"] in str(finding)] == []
    assert held
    assert await asyncio.to_thread(left, world, user["id"]) == []
    # Who comes back and pays is served: in Stripe's eyes they may even be the same customer.
    await world.stripe.control("weather")
    await world.subscribe(user)
    await world.settled()
    assert await world.limit(user) == 500


def erase(world: World, user_id: str) -> None:
    store = opened(world)
    steps = developer(store, user_id, None, datetime.now(UTC))
    assert steps
    done(store, steps)
    store.close()


def left(world: World, user_id: str) -> list[str]:
    store = opened(world)
    found = [item["pk"] for item in store.scan("platform-tokens") if user_id in str(item)]
    store.close()
    return found


def opened(world: World) -> Store:
    endpoint = str(world.settings.dynamodb_endpoint)
    return Store(boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint), world.settings.table_prefix)

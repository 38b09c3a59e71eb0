"""From a connected account to an end-user's tier, over both services, and the end of it from either side."""

import asyncio
import time
from pathlib import Path

import pytest

from shared.records.tenant_config import Catalog
from tests.oauth_bridge.world import Person, priced
from tests.oauth_bridge.world import world as bridge_world
from tests.tenant_api.billing.world import EndUser, Platform, World
from tests.tenant_api.billing.world import world as tenant_world
from tests.tokens import Issuer

pytestmark = pytest.mark.store

BOUND_SECONDS = 2.0


async def seconds_until_refused(tenant: World, user: EndUser) -> float:
    """How long checkouts go on."""
    began = time.monotonic()
    while True:
        answer = await tenant.post(user, "/api/create-checkout", {"tier": "pro"})
        if answer.status_code == 409:
            assert answer.json()["reason"] == "not_connected"
            assert "connect Stripe" in answer.json()["message"]
            return time.monotonic() - began
        assert time.monotonic() - began < 20, answer.text
        await asyncio.sleep(0.02)


async def until_status(anna: Person, status: str) -> None:
    async with asyncio.timeout(10):
        while (await anna.connections())["stripe"]["status"] != status:
            await asyncio.sleep(0.05)


async def test_an_end_user_buys_a_published_tier_and_checkouts_stop_within_two_seconds_of_a_disconnect(
    endpoint: str, prefix: str, tmp_path: Path
) -> None:
    async with (
        tenant_world(endpoint, prefix, tmp_path) as tenant,
        bridge_world(Issuer(), endpoint, prefix, stripe=tenant.stripe) as bridge,
    ):
        anna = await bridge.person()
        account = await anna.connect()
        await anna.publish(priced("free", 0, limit=5), priced("pro", 1900, limit=700))
        platform = Platform(anna.platform_id, "", account, Catalog())
        buyer, late = await tenant.end_user(platform), await tenant.end_user(platform)
        await tenant.subscribe(buyer, "pro")
        await tenant.settled()
        assert await tenant.limit(buyer) == 700

        assert (await anna.ask("POST", "/stripe/disconnect")).status_code == 200
        ours = await seconds_until_refused(tenant, late)

        assert await anna.connect(account=account) == account
        await anna.publish(priced("free", 0, limit=5), priced("pro", 1900, limit=700))
        assert (await tenant.checkout(late, "pro")).startswith("http")
        await tenant.stripe.control("disconnect", account=account)
        theirs = await seconds_until_refused(tenant, late)
        await until_status(anna, "disconnected")

        print(f"\ncheckouts refused after {ours:.2f} s (ours), {theirs:.2f} s (Stripe's)")
        assert max(ours, theirs) <= BOUND_SECONDS
        assert await tenant.limit(buyer) == 700  # what was paid stays until it ends

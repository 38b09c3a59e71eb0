"""Publishing under a race; the rest of the tiers is shown over HTTP in routes/test_tiers.py."""

import asyncio

import pytest

from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_configs import TenantConfigs
from oauth_bridge.tiers import Tiers
from shared.adapters.dynamodb import Dynamo
from shared.domain.principal import Developer
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records.tenant_config import tier_config_from_item
from tests.clocks import SetClock
from tests.oauth_bridge.sides import PlatformSide, created

pytestmark = pytest.mark.store

ANNA = Developer("user_anna", None)


def free(limit: int) -> tuple[Tier, ...]:
    return (Tier("free", "Free", limit, price=Price(0, "usd", "month")),)


async def test_publishes_at_once_get_a_version_each_and_none_is_lost(
    dynamo: Dynamo, prefix: str, platform: PlatformSide, clock: SetClock
) -> None:
    credential = created()
    await platform.change(credential, clock.now, user_id=ANNA.user_id)
    table = prefix + "tenant-tokens"
    configs = TenantConfigs(dynamo, table)
    tiers = Tiers(PlatformCredentials(dynamo, prefix + "platform-tokens"), configs, clock)

    async def one(limit: int) -> int:
        await tiers.save_draft(ANNA, free(limit))
        return (await tiers.publish(ANNA)).published.version

    versions = await asyncio.gather(*(one(limit) for limit in range(1, 9)))

    latest = await configs.published(credential.platform_id)
    assert latest.version == max(versions)
    assert latest.tiers == await configs.draft(credential.platform_id)
    history = await dynamo.query(table, f"platform:{credential.platform_id}", after="tierConfig#", limit=50)
    kept = [tier_config_from_item(item) for item in history if item["sk"].startswith("tierConfig#")]
    assert [config.version for config in kept] == list(range(1, latest.version + 1))
    assert kept[-1] == latest


async def test_of_two_configs_for_one_version_only_the_first_is_published(dynamo: Dynamo, prefix: str) -> None:
    configs = TenantConfigs(dynamo, prefix + "tenant-tokens")
    assert await configs.publish("plt_a", TierConfig(free(1), 1), "user_anna", "now")
    assert not await configs.publish("plt_a", TierConfig(free(2), 1), "user_anna", "now")
    assert (await configs.published("plt_a")).tiers == free(1)

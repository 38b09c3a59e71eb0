"""Publishing under a race, and the versions that are kept; the rest is shown over HTTP in routes/test_tiers.py."""

import asyncio

import pytest

from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_configs import HISTORY_PAGE, TenantConfigs
from oauth_bridge.tiers import Selling, Tiers
from shared.adapters.dynamodb import Dynamo
from shared.billing.connections import ConnectedAccounts
from shared.domain.principal import Developer
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records.tenant_config import Published
from tests.clocks import SetClock
from tests.oauth_bridge.sides import PlatformSide, created

pytestmark = pytest.mark.store

ANNA = Developer("user_anna", None)


def free(limit: int) -> tuple[Tier, ...]:
    return (Tier("free", "Free", limit, price=Price(0, "usd", "month")),)


def unsold(limit: int, version: int) -> Published:
    return Published(TierConfig(free(limit), version))


async def test_publishes_at_once_get_a_version_each_and_none_is_lost(
    dynamo: Dynamo, prefix: str, platform: PlatformSide, clock: SetClock
) -> None:
    credential = created()
    await platform.change(credential, clock.now, user_id=ANNA.user_id)
    table = prefix + "tenant-tokens"
    configs = TenantConfigs(dynamo, table)
    platforms = Platforms(PlatformCredentials(dynamo, prefix + "platform-tokens"))
    tiers = Tiers(platforms, configs, Selling(ConnectedAccounts(dynamo, table), None, live=False), clock)

    async def one(limit: int) -> int:
        await tiers.save_draft(ANNA, free(limit))
        return (await tiers.publish(ANNA)).published.config.version

    versions = await asyncio.gather(*(one(limit) for limit in range(1, 9)))

    latest = (await configs.published(credential.platform_id)).config
    assert latest.version == max(versions)
    assert latest.tiers == await configs.draft(credential.platform_id)
    kept = (await configs.history(credential.platform_id, None))[::-1]
    assert [one.version for one in kept] == list(range(1, latest.version + 1))
    assert kept[-1].tiers == latest.tiers


async def test_of_two_configs_for_one_version_only_the_first_is_published(dynamo: Dynamo, prefix: str) -> None:
    configs = TenantConfigs(dynamo, prefix + "tenant-tokens")
    assert await configs.publish("plt_a", unsold(1, 1), "user_anna", "now")
    assert not await configs.publish("plt_a", unsold(2, 1), "user_anna", "now")
    assert (await configs.published("plt_a")).config.tiers == free(1)


async def test_every_version_is_found_page_by_page_newest_first(dynamo: Dynamo, prefix: str) -> None:
    configs = TenantConfigs(dynamo, prefix + "tenant-tokens")
    assert await configs.history("plt_a", None) == []
    many = HISTORY_PAGE + 3
    for version in range(1, many + 1):
        assert await configs.publish("plt_a", unsold(version, version), "user_anna", "now")
    first = await configs.history("plt_a", None)
    assert [one.version for one in first] == list(range(many, 3, -1))
    assert [one.version for one in await configs.history("plt_a", first[-1].version)] == [3, 2, 1]
    assert await configs.history("plt_a", 1) == []
    assert [one.version for one in await configs.history("plt_a", 99_999_999)] == list(range(many, 3, -1))
    found = await configs.version("plt_a", 7)
    assert found is not None
    assert found.tiers == free(7)
    assert await configs.version("plt_a", many + 1) is None

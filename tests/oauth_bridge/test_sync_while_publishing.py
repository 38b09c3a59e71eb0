"""Keys rotate while tiers are published, in every order: the tenant side ends as the platform's truth."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_configs import TenantConfigs
from oauth_bridge.tiers import Selling, Tiers
from shared.adapters.dynamodb import Dynamo
from shared.billing.connections import ConnectedAccounts
from shared.domain.errors import Unavailable
from shared.domain.principal import Developer
from shared.domain.tiers import Price, Tier
from tests.clocks import SetClock
from tests.effort import examples
from tests.oauth_bridge.conftest import parts
from tests.oauth_bridge.sides import PlatformSide, TenantSide, agree, created, revoked, rotated

T = TypeVar("T")

# A round is what happens at once: of each of two developers a change of their key, and limits that they publish.
changes = st.sampled_from(["none", "rotate", "rotate with overlap", "revoke", "rotate, entry lost"])
rounds = st.lists(
    st.tuples(
        st.tuples(changes, changes),
        st.tuples(st.lists(st.integers(1, 99), max_size=2), st.lists(st.integers(1, 99), max_size=2)),
    ),
    min_size=1,
    max_size=5,
)


async def patiently(step: Callable[[], Awaitable[T]], /) -> T:
    while True:
        try:
            return await step()
        except Unavailable:
            await asyncio.sleep(0.02)


class Story:
    """Two developers, both sides, and two bridges that carry over at once."""

    def __init__(self, dynamo: Dynamo, prefix: str) -> None:
        table = prefix + "tenant-tokens"
        self.clock = SetClock()
        self.platform, self.tenant = PlatformSide(dynamo, prefix), TenantSide(dynamo, prefix)
        self.bridges = [parts(dynamo, prefix, self.clock) for _ in range(2)]
        self.configs = TenantConfigs(dynamo, table)
        platforms = Platforms(PlatformCredentials(dynamo, prefix + "platform-tokens"))
        selling = Selling(ConnectedAccounts(dynamo, table), None, live=False)
        self.tiers = Tiers(platforms, self.configs, selling, self.clock)

    async def change(self, name: str, what: str) -> None:
        before = self.platform.truth[name]
        if what.startswith("rotate"):
            until = int((self.clock.now + timedelta(seconds=30)).timestamp()) if "overlap" in what else None
            lost = "lost" in what
            await patiently(lambda: self.platform.change(rotated(before, until), self.clock.now, outbox=not lost))
        elif what == "revoke":
            await patiently(lambda: self.platform.change(revoked(before), self.clock.now))

    async def publish(self, name: str, limit: int) -> None:
        developer, tier = Developer(f"user_{name}", None), Tier("free", name, limit, price=Price(0, "usd", "month"))
        await patiently(lambda: self.tiers.save_draft(developer, [tier]))
        await patiently(lambda: self.tiers.publish(developer))

    async def open(self) -> list[str]:
        for _ in range(2):
            credential = created()
            await self.platform.change(credential, self.clock.now, user_id=f"user_{credential.platform_id}")
        for bridge in self.bridges:
            await patiently(bridge.outbox.begin)
        return list(self.platform.truth)


@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=rounds)
async def test_the_tenant_side_ends_as_the_platforms_truth_and_with_what_was_published_last(
    story: list[tuple[tuple[str, str], tuple[list[int], list[int]]]], dynamo: Dynamo, prefix: str
) -> None:
    both = Story(dynamo, prefix)
    names = await both.open()
    last: dict[str, list[int]] = {}
    for keys, limits in story:
        both.clock.advance(seconds=7)
        last |= {name: told for name, told in zip(names, limits, strict=True) if told}
        await asyncio.gather(
            *(both.change(name, what) for name, what in zip(names, keys, strict=True)),
            *(both.publish(name, limit) for name, told in zip(names, limits, strict=True) for limit in told),
            *(patiently(bridge.outbox.poll) for bridge in both.bridges),
        )
    await both.bridges[0].comparison.run(patiently)
    assert await agree(both.platform, both.tenant, both.clock.now)
    for name in names:
        published = (await both.configs.published(name)).config
        history = await both.configs.history(name, None)
        assert [one.version for one in history] == list(range(published.version, 0, -1))
        if name in last:
            assert [(tier.display_name, tier.limit in last[name]) for tier in published.tiers] == [(name, True)]
            assert await both.configs.draft(name) == published.tiers == history[0].tiers

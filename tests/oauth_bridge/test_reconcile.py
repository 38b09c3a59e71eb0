"""Settling platforms: what is left alone, races, and that one failure does not stop the others."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from oauth_bridge.reconcile import Outcome
from shared.adapters.dynamodb import Dynamo
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.oauth_bridge.conftest import MortalDynamo, Parts, parts
from tests.oauth_bridge.sides import PlatformSide, TenantSide, agree, created, new_platform_id, revoked, with_version

pytestmark = pytest.mark.store


class Overtaken(Dynamo):
    """A store on which something happens just before this user's first transaction arrives."""

    before_write: Callable[[], Any] | None = None

    async def transact(self, writes: Any) -> None:
        if self.before_write is not None:
            happen, self.before_write = self.before_write, None
            await happen()
        await super().transact(writes)


async def test_a_platform_without_credential_is_unknown_and_left_alone(bridge: Parts, tenant: TenantSide) -> None:
    unknown = new_platform_id()
    assert await bridge.reconciler.one(unknown) is Outcome.UNKNOWN
    assert await tenant.version(unknown) is None


async def test_a_change_that_is_not_visible_yet_is_pending(
    bridge: Parts, platform: PlatformSide, clock: SetClock
) -> None:
    first = created()
    await platform.change(first, clock.now)
    assert await bridge.reconciler.one(first.platform_id, at_least=2) is Outcome.PENDING


async def test_a_tenant_side_that_is_ahead_is_told_and_not_set_back(
    bridge: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    old = created()
    await platform.change(with_version(old, 7), clock.now)
    await bridge.reconciler.one(old.platform_id)
    await platform.change(old, clock.now)
    assert await bridge.reconciler.one(old.platform_id) is Outcome.AHEAD
    assert await tenant.version(old.platform_id) == 7


async def test_a_record_that_does_not_parse_stops_nobody_else(
    bridge: Parts, platform: PlatformSide, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    good, broken = created(), created()
    await platform.change(good, clock.now)
    await platform.garble(broken.platform_id)
    settled = await bridge.reconciler.several({broken.platform_id: 1, good.platform_id: 1})
    assert settled.outcomes == {broken.platform_id: Outcome.FAILED, good.platform_id: Outcome.WRITTEN}
    assert "sync failed" in caplog.messages


async def test_who_was_overtaken_by_a_revoke_reads_again_and_writes_the_revoke(
    endpoint: str, prefix: str, bridge: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    first = created()
    await platform.change(first, clock.now)
    slow_store = Overtaken(region=REGION, endpoint=endpoint)

    async def revoke() -> None:
        await platform.change(revoked(first), clock.now)
        assert await bridge.reconciler.one(first.platform_id) is Outcome.WRITTEN

    slow_store.before_write = revoke
    slow = parts(slow_store, prefix, clock)
    assert await slow.reconciler.one(first.platform_id) is Outcome.UNCHANGED
    assert await agree(platform, tenant, clock.now)
    await slow_store.close()


async def test_settling_again_writes_nothing(bridge: Parts, platform: PlatformSide, clock: SetClock) -> None:
    first = created()
    await platform.change(first, clock.now)
    assert await bridge.reconciler.one(first.platform_id) is Outcome.WRITTEN
    assert await bridge.reconciler.one(first.platform_id) is Outcome.UNCHANGED


async def test_a_store_that_is_down_is_told_as_trouble(bridge: Parts, mortal: MortalDynamo) -> None:
    mortal.down = True
    settled = await bridge.reconciler.several({new_platform_id(): 1})
    assert settled.trouble is not None
    assert not settled.outcomes


async def test_many_at_once_for_one_platform_write_once(bridge: Parts, platform: PlatformSide, clock: SetClock) -> None:
    first = created()
    await platform.change(first, clock.now)
    outcomes = await asyncio.gather(*(bridge.reconciler.one(first.platform_id) for _ in range(8)))
    assert outcomes.count(Outcome.WRITTEN) == 1
    assert set(outcomes) <= {Outcome.WRITTEN, Outcome.UNCHANGED}

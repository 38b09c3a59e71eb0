"""Writing keys on the tenant side: refusals first."""

from datetime import datetime

import pytest

from oauth_bridge.plan import Plan, plan
from shared.records.platform_credential import PlatformCredential
from shared.records.tenant_config import ApiKey
from tests.clocks import SetClock
from tests.oauth_bridge.conftest import Parts
from tests.oauth_bridge.sides import TenantSide, created, revoked, rotated

pytestmark = pytest.mark.store


def planned(truth: PlatformCredential, held: PlatformCredential | None, now: datetime) -> Plan:
    found = plan(truth, held, int(now.timestamp()))
    assert found is not None
    return found


async def test_an_older_version_never_overwrites_a_newer_one(
    bridge: Parts, tenant: TenantSide, clock: SetClock
) -> None:
    first = created()
    second = revoked(first)
    early = planned(first, None, clock.now)
    assert await bridge.tenant.apply(planned(second, None, clock.now))
    assert not await bridge.tenant.apply(early)
    assert await tenant.version(first.platform_id) == 2
    assert first.key_hash is not None
    assert await tenant.keys({first.key_hash}) == {}


async def test_a_plan_made_on_what_no_longer_stands_changes_nothing(
    bridge: Parts, tenant: TenantSide, clock: SetClock
) -> None:
    first = created()
    second, third = rotated(first), revoked(rotated(first))
    await bridge.tenant.apply(planned(first, None, clock.now))
    late = planned(second, first, clock.now)
    await bridge.tenant.apply(planned(third, first, clock.now))
    assert not await bridge.tenant.apply(late)
    assert await tenant.version(first.platform_id) == third.version
    assert second.key_hash is not None
    assert await tenant.keys({second.key_hash}) == {}


async def test_a_rotation_keeps_the_old_key_until_its_end(bridge: Parts, tenant: TenantSide, clock: SetClock) -> None:
    until = int(clock.now.timestamp()) + 3600
    first = created()
    second = rotated(first, until)
    await bridge.tenant.apply(planned(first, None, clock.now))
    await bridge.tenant.apply(planned(second, first, clock.now))
    assert first.key_hash is not None
    assert second.key_hash is not None
    assert await tenant.keys({first.key_hash, second.key_hash}) == {
        first.key_hash: ApiKey(first.platform_id, until),
        second.key_hash: ApiKey(first.platform_id),
    }
    assert await bridge.tenant.held(first.platform_id) == second

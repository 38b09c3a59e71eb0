"""The full comparison: heals what the outbox missed, and looks at nothing else."""

import pytest

from oauth_bridge.comparison import PAGE
from shared.adapters.dynamodb import Dynamo, put
from shared.records.tenant_config import ApiKey, api_key_key, credential_key
from tests.clocks import SetClock
from tests.oauth_bridge.conftest import MortalDynamo, Parts
from tests.oauth_bridge.sides import PlatformSide, TenantSide, agree, created, revoked

pytestmark = pytest.mark.store


async def test_registrations_of_the_tenant_side_itself_are_never_touched(
    bridge: Parts, dynamo: Dynamo, tenant: TenantSide, platform: PlatformSide, clock: SetClock
) -> None:
    own = created()
    assert own.key_hash is not None
    await dynamo.write(put(tenant.table, api_key_key(own.key_hash) | ApiKey(own.platform_id).to_item()))
    await dynamo.write(put(tenant.table, credential_key(own.platform_id) | own.to_item()))
    await platform.change(created(), clock.now, outbox=False)
    await bridge.comparison.run(lambda step: step())
    assert await tenant.keys({own.key_hash}) == {own.key_hash: ApiKey(own.platform_id)}
    assert await tenant.version(own.platform_id) == 1


async def test_a_platform_whose_credential_is_gone_stops_nothing(
    bridge: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    gone, stays = created(), created()
    await platform.change(gone, clock.now)
    await platform.change(stays, clock.now)
    await platform.forget(gone.platform_id)
    del platform.truth[gone.platform_id]
    await bridge.comparison.run(lambda step: step())
    assert await agree(platform, tenant, clock.now)


async def test_a_dropped_outbox_entry_is_healed_and_told(
    bridge: Parts,
    platform: PlatformSide,
    tenant: TenantSide,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = created(), created()
    for one in (first, second):
        await platform.change(one, clock.now)
    await bridge.comparison.run(lambda step: step())
    await platform.change(revoked(first), clock.now, outbox=False)
    caplog.clear()
    await bridge.comparison.run(lambda step: step())
    assert await agree(platform, tenant, clock.now)
    facts = [record.__dict__["facts"] for record in caplog.records if record.message == "drift"]
    assert [(one["drift"], one["platforms"]) for one in facts] == [(1, [first.platform_id])]


async def test_sides_that_agree_are_not_written_and_not_told(
    bridge: Parts, platform: PlatformSide, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    await platform.change(created(), clock.now)
    await bridge.comparison.run(lambda step: step())
    caplog.clear()
    await bridge.comparison.run(lambda step: step())
    assert "drift" not in caplog.messages


async def test_a_partition_of_several_pages_is_walked_to_its_end(
    bridge: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    for index in range(PAGE + 3):
        await platform.change(created(f"plt_a{index:031x}"), clock.now, outbox=False)
    await bridge.comparison.run(lambda step: step())
    assert await agree(platform, tenant, clock.now)


async def test_the_registry_is_read_by_query_alone(bridge: Parts, mortal: MortalDynamo) -> None:
    before = mortal.calls
    await bridge.comparison.run(lambda step: step())
    assert mortal.calls - before == 16

"""The worker as a whole: killed anywhere, two at once, the store down, and how fast a revoke arrives."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from oauth_bridge.worker import SyncWorker
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import utc_now
from shared.records.platform_credential import PlatformCredential
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.oauth_bridge.conftest import Killed, MortalDynamo, Parts, parts
from tests.oauth_bridge.sides import PlatformSide, TenantSide, agree, created, revoked, rotated


@asynccontextmanager
async def running(worker: SyncWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


async def _has_cursor(bridge: Parts) -> bool:
    """Which it has once it has compared everything."""
    return await bridge.cursor.load() is not None


def next_state(chance: random.Random, before: PlatformCredential, clock: SetClock) -> PlatformCredential:
    if chance.random() < 0.4:
        return revoked(before)
    return rotated(before, chance.choice([None, int(clock.now.timestamp()) + chance.randint(-10, 500)]))


async def change_something(chance: random.Random, platform: PlatformSide, clock: SetClock) -> None:
    """One change, dated by a writer whose clock is off or whose transaction took its time; sometimes told twice."""
    known = list(platform.truth.values())
    state = created() if len(known) < 3 else next_state(chance, chance.choice(known), clock)
    await platform.change(state, clock.now + timedelta(seconds=chance.uniform(-55, 20)))
    if chance.random() < 0.3:
        await platform.announce(state, clock.now + timedelta(seconds=chance.uniform(-55, 20)))


async def test_the_store_being_down_is_told_once_and_waited_out(
    bridge: Parts,
    platform: PlatformSide,
    tenant: TenantSide,
    mortal: MortalDynamo,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(bridge.worker()):
        await platform.change(created(), clock.now)
        await until(lambda: agree(platform, tenant, clock.now))
        await until(lambda: _has_cursor(bridge))
        mortal.down = True
        await platform.change(created(), clock.now)
        before = mortal.calls
        await asyncio.sleep(0.3)
        assert 4 <= mortal.calls - before <= 12  # a read that fails is sent once more
        assert caplog.messages.count("sync waits: the store does not answer") == 1
        mortal.down = False
        await until(lambda: agree(platform, tenant, clock.now))
    assert caplog.messages.count("sync waits: the store does not answer") == 1


async def test_a_worker_that_starts_before_the_store_begins_when_it_is_there(
    bridge: Parts, platform: PlatformSide, tenant: TenantSide, mortal: MortalDynamo, clock: SetClock
) -> None:
    mortal.down = True
    await platform.change(created(), clock.now)
    async with running(bridge.worker()):
        await asyncio.sleep(0.1)
        mortal.down = False
        await until(lambda: agree(platform, tenant, clock.now))


async def test_the_unforeseen_is_told_and_does_not_end_the_worker(
    bridge: Parts,
    platform: PlatformSide,
    tenant: TenantSide,
    mortal: MortalDynamo,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mortal.odd_calls = 4
    await platform.change(created(), clock.now)
    async with running(bridge.worker()):
        await until(lambda: agree(platform, tenant, clock.now))
    assert "sync failed" in caplog.messages


@pytest.mark.parametrize("seed", range(4))
async def test_killed_between_any_two_steps_nothing_is_lost_and_nothing_revived(
    seed: int, platform: PlatformSide, tenant: TenantSide, mortal: MortalDynamo, prefix: str, clock: SetClock
) -> None:
    """The outbox alone, no comparison: a cursor is there, so what it skips would stay wrong."""
    chance = random.Random(seed)
    clock.now = clock.now.replace(hour=23, minute=57)
    bridge = parts(mortal, prefix, clock)
    await bridge.cursor.save(clock.now)
    await bridge.outbox.begin()
    for _ in range(14):
        await change_something(chance, platform, clock)
        mortal.steps_left = chance.choice([None, chance.randint(0, 14)])
        try:
            await bridge.outbox.poll()
        except Killed:
            mortal.steps_left = None
            bridge = parts(mortal, prefix, clock)
            await bridge.outbox.begin()
        else:
            mortal.steps_left = None
            assert await agree(platform, tenant, clock.now)
        clock.advance(seconds=chance.choice([0, 0.25, 3, 25]))
    await bridge.outbox.poll()
    assert await agree(platform, tenant, clock.now)


@pytest.mark.parametrize("steps", range(1, 16, 5))
async def test_killed_at_its_very_first_start_the_next_one_still_compares_everything(
    steps: int, platform: PlatformSide, tenant: TenantSide, mortal: MortalDynamo, prefix: str, clock: SetClock
) -> None:
    """Platforms from before the bridge ever ran are in no outbox any more."""
    await platform.change(created(), clock.now, outbox=False)
    mortal.steps_left = steps
    first = parts(mortal, prefix, clock)
    with suppress(Killed):
        await first.outbox.begin()
        await first.outbox.poll()
        await first.comparison.run(lambda step: step())
    mortal.steps_left = None
    async with running(parts(mortal, prefix, clock).worker()):
        await until(lambda: agree(platform, tenant, clock.now))


async def test_a_cancelled_worker_leaves_a_start_that_catches_up(
    platform: PlatformSide, tenant: TenantSide, mortal: MortalDynamo, prefix: str, clock: SetClock
) -> None:
    chance = random.Random(7)
    for _ in range(4):
        async with running(parts(mortal, prefix, clock).worker(poll_seconds=0.001)):
            await change_something(chance, platform, clock)
            await asyncio.sleep(chance.uniform(0, 0.03))
    async with running(parts(mortal, prefix, clock).worker()):
        await until(lambda: agree(platform, tenant, clock.now))


async def test_a_lost_cursor_and_a_lost_outbox_are_healed_at_the_next_start(
    bridge: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    for _ in range(3):
        await platform.change(created(), clock.now, outbox=False)
    clock.advance(days=40)
    async with running(bridge.worker()):
        await until(lambda: agree(platform, tenant, clock.now))
        await until(lambda: _has_cursor(bridge))


async def test_a_dropped_entry_is_healed_by_the_comparison_while_it_runs(
    bridge: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    first = created()
    async with running(bridge.worker(comparison_seconds=0.1)):
        await platform.change(first, clock.now)
        await until(lambda: agree(platform, tenant, clock.now))
        await platform.change(revoked(first), clock.now, outbox=False)
        await until(lambda: agree(platform, tenant, clock.now))


async def test_two_workers_at_once_end_in_the_truth(
    endpoint: str,
    platform: PlatformSide,
    tenant: TenantSide,
    mortal: MortalDynamo,
    prefix: str,
    clock: SetClock,
) -> None:
    chance = random.Random(11)
    second_store = Dynamo(region=REGION, endpoint=endpoint)
    first = parts(mortal, prefix, clock).worker(poll_seconds=0.01, comparison_seconds=0.1)
    second = parts(second_store, prefix, clock).worker(poll_seconds=0.01, comparison_seconds=0.1)
    async with running(first), running(second):
        for _ in range(10):
            await change_something(chance, platform, clock)
        await until(lambda: agree(platform, tenant, clock.now))
        await asyncio.sleep(0.2)
        assert await agree(platform, tenant, clock.now)
    await second_store.close()


async def test_a_revoke_reaches_the_tenant_side_soon(
    platform: PlatformSide, tenant: TenantSide, mortal: MortalDynamo, prefix: str
) -> None:
    """Printed, at the production rhythm of four looks a second; the product's bound is 2 seconds."""
    chance, took = random.Random(3), []
    async with running(parts(mortal, prefix, utc_now).worker(poll_seconds=0.25)):
        for _ in range(3):
            first = created()
            await platform.change(first, utc_now())
            await until(lambda: agree(platform, tenant, utc_now()))
            await asyncio.sleep(chance.uniform(0, 0.25))
            await platform.change(revoked(first), utc_now())
            began = time.perf_counter()
            await until(lambda: agree(platform, tenant, utc_now()))
            took.append(time.perf_counter() - began)
    print(f"a revoke reached the tenant side after {min(took):.3f} to {max(took):.3f} s")
    assert max(took) < 2

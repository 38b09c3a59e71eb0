"""Following the outbox: nothing is skipped, however it shows up, and the cursor says only what is true."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from oauth_bridge.outbox import PAGE, Outbox
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from shared.adapters.dynamodb import Dynamo
from shared.adapters.tracing import traced
from shared.domain.errors import Unavailable
from shared.settings import ServiceSettings
from tests.clocks import SetClock
from tests.collector import Collector
from tests.oauth_bridge.conftest import OVERLAP, MortalDynamo, Parts, parts
from tests.oauth_bridge.sides import PlatformSide, TenantSide, agree, created, revoked, rotated
from tests.serving import serving

pytestmark = pytest.mark.store


@pytest.fixture
async def following(bridge: Parts, clock: SetClock) -> Parts:
    """Parts that have a cursor, so that nothing but the outbox tells them what changed."""
    await bridge.cursor.save(clock.now)
    await bridge.outbox.begin()
    return bridge


async def test_a_store_that_is_down_leaves_the_change_for_later(
    following: Parts, platform: PlatformSide, tenant: TenantSide, mortal: MortalDynamo, clock: SetClock
) -> None:
    await platform.change(created(), clock.now)
    mortal.down = True
    with pytest.raises(Unavailable):
        await following.outbox.poll()
    mortal.down = False
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)


async def test_without_a_cursor_none_is_stored_before_everything_was_compared(bridge: Parts, clock: SetClock) -> None:
    await bridge.outbox.begin()
    clock.advance(seconds=30)
    await bridge.outbox.poll()
    assert await bridge.cursor.load() is None
    bridge.outbox.compared()
    await bridge.outbox.poll()
    assert await bridge.cursor.load() == clock.now


async def test_a_cursor_from_before_what_the_outbox_keeps_counts_as_none(bridge: Parts, clock: SetClock) -> None:
    long_ago = clock.now - timedelta(days=31)
    await bridge.cursor.save(long_ago)
    await bridge.outbox.begin()
    await bridge.outbox.poll()
    assert await bridge.cursor.load() == long_ago
    bridge.outbox.compared()
    await bridge.outbox.poll()
    assert await bridge.cursor.load() == clock.now


async def test_an_entry_that_shows_up_behind_the_cursor_is_found(
    following: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    clock.advance(seconds=120)
    await following.outbox.poll()
    await platform.change(created(), clock.now - timedelta(seconds=59))
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)


async def test_a_writer_whose_clock_is_ahead_hides_nobody_elses_change(
    following: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    await platform.change(created(), clock.now + timedelta(hours=1))
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)
    await platform.change(created(), clock.now)
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)


async def test_an_entry_visible_before_its_change_is_looked_at_again(
    following: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    first = created()
    await platform.change(first, clock.now)
    await following.outbox.poll()
    second = revoked(first)
    await platform.announce(second, clock.now)
    await following.outbox.poll()
    await platform.change(second, clock.now, outbox=False)
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)


@pytest.mark.parametrize("before", [timedelta(microseconds=1), timedelta(seconds=59)])
async def test_changes_on_both_sides_of_midnight_are_carried_over(
    following: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock, before: timedelta
) -> None:
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    clock.now = midnight - timedelta(seconds=1)
    await following.outbox.poll()
    await platform.change(created(), midnight - before)
    await platform.change(created(), midnight)
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)
    clock.now = midnight + timedelta(milliseconds=1)
    await platform.change(created(), midnight - before)
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)


async def test_after_days_of_downtime_everything_is_caught_up_in_pages(
    following: Parts, platform: PlatformSide, tenant: TenantSide, clock: SetClock
) -> None:
    first = created()
    await platform.change(first, clock.now)
    for index in range(PAGE + 2):
        first = rotated(first)
        await platform.change(first, clock.now + timedelta(hours=index))
    clock.advance(days=4)
    await platform.change(created(), clock.now)
    await following.outbox.poll()
    assert await agree(platform, tenant, clock.now)


async def test_an_idle_poll_is_one_read(following: Parts, platform: PlatformSide, mortal: MortalDynamo) -> None:
    before = mortal.calls
    await following.outbox.poll()
    assert mortal.calls - before == 1


async def test_what_is_done_is_not_done_again_while_it_is_in_the_overlap(
    following: Parts, platform: PlatformSide, mortal: MortalDynamo, clock: SetClock
) -> None:
    await platform.change(created(), clock.now)
    await following.outbox.poll()
    before = mortal.calls
    await following.outbox.poll()
    assert mortal.calls - before == 1


async def test_another_worker_takes_up_at_the_cursor(
    following: Parts, platform: PlatformSide, tenant: TenantSide, mortal: MortalDynamo, prefix: str, clock: SetClock
) -> None:
    clock.advance(minutes=10)
    await following.outbox.poll()
    assert await following.cursor.load() == clock.now
    await platform.change(created(), clock.now - timedelta(seconds=30))
    other = parts(mortal, prefix, clock)
    await other.outbox.begin()
    await other.outbox.poll()
    assert await agree(platform, tenant, clock.now)


async def test_a_pass_that_did_something_says_so_in_one_line_with_its_lag(
    following: Parts, platform: PlatformSide, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first = created()
    await platform.change(first, clock.now)
    await platform.change(rotated(first), clock.now)
    await platform.change(created(), clock.now)
    clock.advance(seconds=2)
    await following.outbox.poll()
    await following.outbox.poll()
    lines = [record.__dict__["facts"] for record in caplog.records if record.message == "sync"]
    (line,) = lines
    assert line.pop("storeCalls") > 0
    assert line.pop("storeMs") > 0
    assert line == {"service": "oauth_bridge", "entries": 3, "written": 2, "lagMs": 2000.0}


async def test_a_pass_that_found_something_is_a_trace_and_an_idle_one_is_not(
    bridge: Parts, platform: PlatformSide, dynamo: Dynamo, prefix: str, clock: SetClock
) -> None:
    collector = Collector()
    async with serving(collector.app) as url:
        settings = ServiceSettings(otel_exporter_otlp_endpoint=url)
        async with traced(settings, "oauth_bridge") as traces:
            await bridge.cursor.save(clock.now)
            credentials = PlatformCredentials(dynamo, prefix + "platform-tokens")
            outbox = Outbox(credentials, bridge.reconciler, bridge.cursor, clock, OVERLAP, traces)
            await outbox.begin()
            await outbox.poll()
            await platform.change(created(), clock.now)
            await outbox.poll()
            unreachable = Dynamo(region="us-east-1", endpoint="http://127.0.0.1:9")
            lost = PlatformCredentials(unreachable, prefix + "platform-tokens")
            outbox = Outbox(lost, bridge.reconciler, bridge.cursor, clock, OVERLAP, traces)
            await outbox.begin()
            with pytest.raises(Unavailable):
                await outbox.poll()
            await unreachable.close()
    done, failed = [span for span in collector.spans if span.parent == ""]
    assert (done.name, done.attributes["dream_api.entries"], done.failed) == ("sync", 1, False)
    assert {span.name for span in collector.below(done)} >= {"store Query", "store GetItem", "store TransactWriteItems"}
    assert (failed.name, failed.failed, collector.below(failed)[0].failed) == ("sync", True, True)

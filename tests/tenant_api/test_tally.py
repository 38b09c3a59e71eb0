"""What a process adds up: opened before it counts, closed when everything is stored, recounted when it was killed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import date

import pytest

from shared.adapters.dynamodb import Dynamo
from shared.domain.errors import Unavailable
from shared.domain.quota import UNLIMITED, Quota, Verdict
from shared.metering.share import Share
from tenant_api.repositories.activity import Opened
from tenant_api.steps import step_of
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.faults import Fault
from tests.shared.metering.test_counter import faulty
from tests.tenant_api.activity import PLATFORM, Processes

pytestmark = pytest.mark.store

FREE = Quota("free", UNLIMITED, UNLIMITED)
OTHER = "plt_" + "2" * 32


@pytest.fixture
async def dynamo(endpoint: str) -> AsyncIterator[Dynamo]:
    """One of each test's own event loop, whose connections it keeps."""
    opened = Dynamo(region=REGION, endpoint=endpoint)
    yield opened
    await opened.close()


@pytest.fixture
def processes(dynamo: Dynamo, prefix: str) -> Processes:
    return Processes(dynamo, prefix, SetClock())


def total(days: Mapping[date, Share]) -> int:
    return sum(pair[0] for share in days.values() for pair in share.values())


# -- what goes wrong --------------------------------------------------------------------------------------------------


async def test_no_call_is_counted_for_a_day_that_could_not_be_opened(endpoint: str, prefix: str) -> None:
    async with faulty(endpoint) as (store, dynamo):
        processes = Processes(dynamo, prefix, SetClock())
        process = processes.start()
        store.faults.extend([Fault.NOT_DONE] * 50)
        with pytest.raises(Unavailable):
            await process.call("alice", FREE)
        store.faults.clear()
        assert await processes.counts() == {}
        await process.call("alice", FREE)
        assert await processes.counts() == {"alice": 1}
        assert len(await processes.open_days(process)) == 1


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.THROTTLED, Fault.LATE])
async def test_a_hiccup_while_a_day_is_opened_delays_the_call_and_no_more(
    endpoint: str, prefix: str, fault: Fault
) -> None:
    async with faulty(endpoint) as (store, dynamo):
        processes = Processes(dynamo, prefix, SetClock())
        store.faults.extend([fault, Fault.NONE, fault, fault])
        assert (await processes.start().call("alice", FREE)).decision.usage.used == 1
        await store.settle()


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.LATE])
async def test_a_row_whose_write_went_wrong_is_stored_by_the_next(endpoint: str, prefix: str, fault: Fault) -> None:
    async with faulty(endpoint) as (store, dynamo):
        processes = Processes(dynamo, prefix, SetClock())
        process = processes.start()
        await process.call("alice", FREE, 3)
        store.faults.append(fault)
        with pytest.raises(Unavailable):
            await process.tally.flush()
        await process.call("alice", FREE, 4)
        await process.tally.flush()
        await store.settle()
        assert total(await processes.by_day()) == 7


async def test_a_killed_process_is_recounted_to_the_last_call(processes: Processes) -> None:
    process, other = processes.start(), processes.start()
    await process.call("alice", FREE, 2)
    await process.tally.flush()
    await asyncio.gather(*(process.call(f"user {one}", FREE) for one in range(6)), other.call("alice", FREE, 5))
    process.kill()
    await other.tally.flush()
    assert total(await processes.by_day()) == 7
    processes.clock.advance(seconds=61)
    assert [one.process for one in await processes.recount(other)] == [process.name]
    assert total(await processes.by_day()) == 13 == sum((await processes.counts()).values())
    assert not await processes.open_days(process)
    assert await processes.recount(other) == []


@pytest.mark.parametrize("platform_id", [PLATFORM, OTHER])
async def test_a_process_that_was_given_up_while_it_slept_and_is_killed_after_one_more_call_is_recounted(
    processes: Processes, platform_id: str
) -> None:
    """Found by the soak: between being given up and noticing it, a process counted what nobody would look for."""
    sleeper, other = processes.start(), processes.start()
    await sleeper.call("alice", FREE, 2)
    await other.call("alice", FREE)
    processes.clock.advance(seconds=61)
    await processes.recount(other)
    await sleeper.call("alice", FREE, 3, platform_id=platform_id)
    sleeper.kill()
    processes.clock.advance(seconds=61)
    await processes.recount(other)
    await other.tally.flush()
    assert total(await processes.by_day(platform_id)) == sum((await processes.counts(platform_id)).values())


async def test_a_process_killed_at_the_turn_of_the_month_is_recounted_after_it(dynamo: Dynamo, prefix: str) -> None:
    clock = SetClock.at("2026-11-30T23:59:58")
    processes = Processes(dynamo, prefix, clock)
    process = processes.start()
    await process.call("alice", FREE, 4)
    await process.call("bob", FREE, 3)
    process.kill()
    clock.advance(seconds=3)
    other = processes.start()
    await other.call("alice", FREE, 2)
    await other.tally.flush()
    clock.advance(seconds=90)
    await processes.recount(other)
    assert {str(day): share for day, share in (await processes.by_day()).items()} == {
        "2026-11-30": {"free": (7, 2)},
        "2026-12-01": {"free": (2, 1)},
    }


async def test_a_process_given_up_too_early_has_the_last_word(processes: Processes) -> None:
    process = processes.start()
    await process.call("alice", FREE, 2)
    processes.clock.advance(minutes=10)
    await processes.recount()
    assert total(await processes.by_day()) == 2
    assert not await processes.open_days(process)
    await process.call("alice", FREE, 3)
    await process.tally.flush()
    assert total(await processes.by_day()) == 5


async def test_a_process_given_up_too_early_opens_its_days_anew(processes: Processes) -> None:
    process = processes.start()
    process.tally.start()
    await process.call("alice", FREE, 2)
    processes.clock.advance(minutes=10)
    await processes.recount()
    await process.tally.stay_known(at_once=True)
    assert len(await processes.open_days(process)) == 1
    await process.stop()
    assert not await processes.open_days(process)


async def test_a_write_nobody_learned_the_outcome_of_leaves_the_day_open(endpoint: str, prefix: str) -> None:
    async with faulty(endpoint) as (store, dynamo):
        processes = Processes(dynamo, prefix, SetClock())
        process = processes.start()
        await process.call("alice", FREE)
        store.faults.append(Fault.LATE)
        given_up = asyncio.create_task(process.call("alice", FREE))
        await store.used_up()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        await process.stop()
        await store.settle()
        processes.clock.advance(minutes=2)
        await processes.recount()
        assert total(await processes.by_day()) == (await processes.counts())["alice"]


async def test_a_recount_that_finds_less_keeps_what_the_process_said(processes: Processes) -> None:
    process = processes.start()
    await process.call("alice", FREE, 2)
    await process.tally.flush()
    await process.call("bob", FREE, 1)
    for _ in range(16):  # so many others that the item forgets this one
        processes.clock.advance(seconds=1)
        await processes.start().call("alice", FREE)
    await processes.recount()
    [row] = [row for row in await processes.told() if row.process == process.name]
    assert row.share == {"free": (2, 1)}


# -- what goes well ---------------------------------------------------------------------------------------------------


async def test_a_process_that_ends_leaves_nothing_open(processes: Processes) -> None:
    process = processes.start()
    await process.call("alice", FREE, 2)
    await process.call("bob", FREE, 3, platform_id=OTHER)
    await process.stop()
    assert not await processes.open_days(process)
    assert await processes.rows.silent(processes.clock().replace(year=2030)) == []
    assert total(await processes.by_day()) == 2
    assert total(await processes.by_day(OTHER)) == 3


async def test_what_a_call_costs_is_one_write_and_the_first_of_a_day_some_more(endpoint: str, prefix: str) -> None:
    async with faulty(endpoint) as (store, dynamo):
        process = Processes(dynamo, prefix, SetClock()).start()
        await process.call("alice", FREE)
        assert store.writes == 4  # lives, opens the day, registers, counts
        store.requests.clear()
        await process.call("bob", FREE)
        assert store.writes == 2  # registers, counts
        store.requests.clear()
        for _ in range(10):
            await process.call("bob", FREE)
        assert store.writes == 10
        await process.tally.flush()
        assert store.writes == 11


async def test_a_day_is_closed_when_it_is_over(processes: Processes) -> None:
    process = processes.start()
    await process.call("alice", FREE)
    process.tally.start()
    processes.clock.advance(hours=13)
    async with asyncio.timeout(15):
        while await processes.open_days(process):
            await asyncio.sleep(0.1)
    await process.call("alice", FREE)
    assert [one.day.day for one in await processes.open_days(process)] == [25]
    await process.stop()
    assert sorted(day.day for day in await processes.by_day()) == [24, 25]


async def test_refusals_are_added_up_beside(processes: Processes) -> None:
    process = processes.start()
    for _ in range(3):
        await process.call("alice", Quota("free", 1, UNLIMITED))
    await process.call("bob", Quota("slow", UNLIMITED, 1))
    refused = await process.call("bob", Quota("slow", UNLIMITED, 1))
    assert refused.decision.verdict is Verdict.RATE_LIMITED
    await process.tally.flush()
    [row] = await processes.told()
    assert (row.over_quota, row.rate_limited) == (2, 1)


async def test_what_is_not_an_end_users_call_is_not_added_up(processes: Processes) -> None:
    process = processes.start()
    await process.counter.count("register:127.0.0.1", FREE)
    await process.stop()
    assert await processes.rows.opened(process.name, 9) == []


async def test_an_open_day_is_told_by_process_day_and_platform(processes: Processes) -> None:
    process = processes.start()
    await process.call("alice", FREE)
    assert await processes.open_days(process) == [Opened(process.name, processes.clock().date(), PLATFORM)]


@pytest.mark.parametrize(
    ("used", "step"), [(0, 0), (19, 0), (20, 1), (49, 1), (50, 2), (99, 2), (100, 3), (125, 3), (126, 4), (1000, 13)]
)
def test_steps_are_coarse(used: int, step: int) -> None:
    assert step_of(used) == step

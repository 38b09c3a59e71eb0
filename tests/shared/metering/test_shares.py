"""What a write adds is told once for each write and kept in the item: both always sum up to the count.

Protects the dashboard's figures: they are sums of these shares.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

import pytest

from shared.adapters.dynamodb import Dynamo, OutcomeUnknown
from shared.adapters.system import random_bytes
from shared.domain.errors import Unavailable
from shared.domain.periods import Month
from shared.domain.quota import UNLIMITED, Quota
from shared.metering.calls import Idempotency
from shared.metering.counter import Counter
from shared.metering.observer import Written
from shared.metering.plan import plan
from shared.metering.share import Share, added, share_of, units_of, users_of
from shared.metering.stamps import Stamp, counting_day
from shared.metering.usage_item import Stored, usage_key
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.faults import Fault
from tests.shared.metering.test_counter import faulty

pytestmark = pytest.mark.store

FREE, PRO = Quota("free", UNLIMITED, UNLIMITED), Quota("pro", UNLIMITED, UNLIMITED)
SUBJECT = "usage:plt_1:user"


class LateOnce(Dynamo):
    """The first transaction's answer is lost, and it is carried out just before the second."""

    late: Callable[[], Any] | None = None

    async def _measured(self, operation: str, call: Callable[[], Any]) -> Any:
        if operation == "TransactWriteItems" and self.late is None:
            self.late = call
            raise OutcomeUnknown("lost", retry_after_seconds=2)
        if operation == "TransactWriteItems" and self.late is not None:
            await self._call(self.late)
        return await super()._measured(operation, call)


class Adding:
    """Adds up what it is told, by writer."""

    def __init__(self) -> None:
        self.told: dict[str, Share] = {}
        self.doubts: list[Stamp] = []
        self.firsts: list[str] = []

    def before(self, subject: str, _stamp: Stamp, _now: datetime, first: bool, /) -> Awaitable[None] | None:
        if first:
            self.firsts.append(subject)
        return None

    def written(self, written: Written, /) -> None:
        self.told[written.stamp.writer] = added(self.told.get(written.stamp.writer, {}), written.share)

    def doubtful(self, _subject: str, stamp: Stamp, /) -> None:
        self.doubts.append(stamp)

    def total(self) -> Share:
        total: Share = {}
        for share in self.told.values():
            total = added(total, share)
        return total


def counter(dynamo: Dynamo, prefix: str, clock: SetClock, adding: Adding) -> Counter:
    return Counter(dynamo, prefix + "tenant-usage", clock, random_bytes, observer=adding)


async def stored(dynamo: Dynamo, prefix: str) -> Stored:
    return Stored.from_item(await dynamo.get(prefix + "tenant-usage", usage_key(SUBJECT)))


def kept(found: Stored) -> dict[str, Share]:
    return {writer: found.share_of(writer) for writer in {**found.past, **found.writers}}


# -- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.THROTTLED, Fault.LATE])
async def test_a_write_that_goes_wrong_is_told_once(endpoint: str, prefix: str, fault: Fault) -> None:
    async with faulty(endpoint) as (store, dynamo):
        clock, adding = SetClock(), Adding()
        counters = [counter(dynamo, prefix, clock, adding), counter(dynamo, prefix, clock, adding)]
        store.faults.extend([fault, Fault.NONE, fault, fault, Fault.NONE, fault])
        calls = [
            counters[index % 2].count(SUBJECT, [FREE, PRO][index % 3 % 2], 1, marked(index)) for index in range(60)
        ]
        await asyncio.gather(*calls)
        await store.settle()
        found = await stored(dynamo, prefix)
        assert found.usage is not None
        assert found.usage.used == 60
        assert kept(found) == adding.told
        assert adding.total()["pro"][0] == 20
        assert users_of(adding.total()) == 1


async def test_a_keyed_call_whose_lost_write_won_the_race_is_told_before_it_is_answered(
    endpoint: str, prefix: str
) -> None:
    """Else the figures would lag behind an answer. It is the first answer to its key, no repeated one."""
    dynamo, adding = LateOnce(region=REGION, endpoint=endpoint), Adding()
    counting = counter(dynamo, prefix, SetClock(), adding)
    counted = await counting.count(SUBJECT, FREE, 3, Idempotency("key", "body"))
    assert units_of(adding.total()) == 3
    assert (counted.decision.usage.used, counted.replayed) == (3, False)
    assert kept(await stored(dynamo, prefix)) == adding.told
    await counting.close()
    await dynamo.close()


def marked(index: int) -> Idempotency | None:
    return Idempotency(f"key {index}", "body") if index % 4 == 0 else None


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.LATE, Fault.NOT_DONE])
async def test_a_write_everybody_gave_up_on_is_told_if_it_happened(endpoint: str, prefix: str, fault: Fault) -> None:
    async with faulty(endpoint) as (store, dynamo):
        adding = Adding()
        counting = counter(dynamo, prefix, SetClock(), adding)
        await counting.count(SUBJECT, FREE)
        store.faults.extend([fault])
        given_up = asyncio.create_task(counting.count(SUBJECT, FREE))
        await store.used_up()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        await store.settle()
        await counting.close()
        found = await stored(dynamo, prefix)
        assert kept(found) == adding.told or adding.doubts


async def test_a_late_write_of_yesterday_never_follows_its_retry_of_today(endpoint: str, prefix: str) -> None:
    async with faulty(endpoint) as (store, dynamo):
        clock, adding = SetClock.at("2026-11-24T23:59:59"), Adding()
        counting = counter(dynamo, prefix, clock, adding)
        await counting.count(SUBJECT, FREE)
        store.faults.append(Fault.LATE)
        racing = asyncio.create_task(counting.count(SUBJECT, FREE))
        await store.used_up()
        clock.advance(seconds=2)
        assert (await racing).decision.usage.used == 2
        await store.settle()
        found = await stored(dynamo, prefix)
        assert found.usage is not None
        assert found.usage.used == 2
        assert units_of(adding.total()) == 2
        assert kept(found) == adding.told


async def test_the_month_before_can_still_be_recounted_after_the_turn(dynamo: Dynamo, prefix: str) -> None:
    clock, adding = SetClock.at("2026-11-30T23:59:59"), Adding()
    counting = counter(dynamo, prefix, clock, adding)
    await counting.count(SUBJECT, FREE, 5)
    clock.advance(seconds=2)
    await counting.count(SUBJECT, PRO, 3)
    found = await stored(dynamo, prefix)
    assert kept(found) == adding.told
    assert [units_of(found.share_of(writer)) for writer in found.past] == [5]
    clock.advance(days=4)
    await counting.count(SUBJECT, PRO, 1)
    assert not (await stored(dynamo, prefix)).past


# -- what is told -----------------------------------------------------------------------------------------------------


async def test_a_user_is_active_once_a_month_under_the_last_tier(dynamo: Dynamo, prefix: str) -> None:
    clock, adding = SetClock(), Adding()
    counters = [counter(dynamo, prefix, clock, adding), counter(dynamo, prefix, clock, adding)]
    for index, quota in enumerate([FREE, FREE, PRO, FREE, PRO, PRO]):
        await counters[index % 2].count(SUBJECT, quota, 2)
    assert adding.total() == {"free": (6, 0), "pro": (6, 1)}
    assert adding.firsts == [SUBJECT]


async def test_days_sum_up_to_the_month(dynamo: Dynamo, prefix: str) -> None:
    clock = SetClock.at("2026-11-01T12:00:00")
    adding = Adding()
    first, second = counter(dynamo, prefix, clock, adding), counter(dynamo, prefix, clock, adding)
    for units in range(1, 31):
        await asyncio.gather(first.count(SUBJECT, FREE, units), second.count(SUBJECT, FREE, units))
        clock.advance(days=1)
    found = await stored(dynamo, prefix)
    assert found.usage is not None
    assert found.usage.used == 30 * 31
    assert found.days == {f"{day:02d}": 2 * day for day in range(1, 31)}
    assert units_of(adding.total()) == 30 * 31
    assert len(found.writers) <= 8


async def test_an_item_of_every_day_of_a_month_stays_below_a_write_unit(dynamo: Dynamo, prefix: str) -> None:
    clock = SetClock.at("2026-12-01T12:00:00")
    counting = counter(dynamo, prefix, clock, Adding())
    subject = f"usage:plt_{'0' * 32}:user_{'2' * 27}"
    for _ in range(31):
        await counting.count(subject, Quota("professional", UNLIMITED, UNLIMITED), 12_345)
        clock.advance(days=1)
    item = await dynamo.get(prefix + "tenant-usage", usage_key(subject))
    assert item is not None
    assert size_of(item) < 1024


def size_of(value: object) -> int:
    """Bytes by DynamoDB's rules, as AWS documents them, rounded up."""
    if isinstance(value, dict):
        return 3 + sum(1 + len(name.encode()) + size_of(inner) for name, inner in value.items())
    if isinstance(value, list):
        return 3 + sum(1 + size_of(inner) for inner in value)
    return len(str(value).encode()) if isinstance(value, str) else len(str(value)) // 2 + 2


async def test_a_refused_call_adds_nothing(dynamo: Dynamo, prefix: str) -> None:
    adding = Adding()
    counting = counter(dynamo, prefix, SetClock(), adding)
    await asyncio.gather(*(counting.count(SUBJECT, Quota("free", 5, UNLIMITED), 2) for _ in range(9)))
    assert adding.total() == {"free": (4, 1)}


async def test_what_an_observer_needs_first_and_cannot_have_is_what_the_caller_is_told(
    dynamo: Dynamo, prefix: str
) -> None:
    class Refusing(Adding):
        def before(self, _subject: str, _stamp: Stamp, _now: datetime, _first: bool, /) -> Awaitable[None] | None:
            return self.refuse()

        async def refuse(self) -> None:
            raise Unavailable("not now", retry_after_seconds=1)

    with pytest.raises(Unavailable, match="not now"):
        await counter(dynamo, prefix, SetClock(), Refusing()).count(SUBJECT, FREE)
    assert (await stored(dynamo, prefix)).usage is None


# -- pure -------------------------------------------------------------------------------------------------------------


def test_a_share_has_the_units_of_each_tier_and_the_move_of_the_user() -> None:
    planned = plan(None, SetClock()(), [(FREE, 2), (Quota("tiny", 1, UNLIMITED), 5), (PRO, 3), (FREE, 1)])
    assert share_of(planned, None) == {"free": (3, 1), "pro": (3, 0)}
    assert share_of(planned, "pro") == {"free": (3, 1), "pro": (3, -1)}
    assert share_of(planned, "free") == {"free": (3, 0), "pro": (3, 0)}


def test_a_lagging_process_counts_on_the_first_day_of_the_month_it_counts_in() -> None:
    lagging = SetClock.at("2026-11-30T23:59:59")()
    assert counting_day(lagging, Month(2026, 12)) == date(2026, 12, 1)
    assert counting_day(lagging, Month(2026, 11)) == date(2026, 11, 30)

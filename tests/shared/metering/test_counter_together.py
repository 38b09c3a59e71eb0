"""Many subjects at once, whose writes share requests where the engine takes that: exact for each all the same."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from shared.adapters.dynamodb import Dynamo
from shared.adapters.dynamodb_http import Ended
from shared.adapters.system import utc_now
from shared.domain.quota import UNLIMITED, Quota
from shared.metering.calls import Counted
from shared.metering.counter import Counter
from shared.metering.share import share_in, units_of
from shared.metering.usage_item import MAX_WRITERS, usage_key
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.fault_proxy import Broken, between
from tests.faults import Fault
from tests.shared.metering.test_counter import ANY, admitted, counter, faulty, marked

pytestmark = pytest.mark.store

SUBJECTS = [f"usage:plt_1:user {index}" for index in range(6)]


async def count_each(counters: Sequence[Counter], times: int, quota: Quota = ANY) -> Mapping[str, list[Counted]]:
    """Every subject counted so many times at once, by the counters in turn."""

    async def one(subject: str) -> list[Counted]:
        calls = (counters[index % len(counters)].count(subject, quota) for index in range(times))
        return list(await asyncio.gather(*calls))

    found = await asyncio.gather(*(one(subject) for subject in SUBJECTS))
    return dict(zip(SUBJECTS, found, strict=True))


async def warmed(counting: Counter, dynamo: Dynamo, prefix: str) -> bool:
    """Every subject counted twice, and the store asked whether it takes statements."""
    await count_each([counting], 1)
    await count_each([counting], 1)
    for _ in range(40):
        if dynamo.shares_writes(prefix + "tenant-usage"):
            return True
        await asyncio.sleep(0.01)
    return False


async def test_subjects_share_requests_where_the_engine_takes_that(endpoint: str, prefix: str) -> None:
    async with faulty(endpoint) as (store, dynamo):
        counting = counter(dynamo, prefix)
        together = await warmed(counting, dynamo, prefix)
        before = store.writes
        answers = await count_each([counting], 3)
        assert all(admitted(one) == [3, 4, 5] for one in answers.values())
        assert store.writes - before <= (len(SUBJECTS) // 2 if together else 3 * len(SUBJECTS))
        await counting.close()


async def test_requests_that_somebody_in_between_sends_twice_count_each_call_of_each_subject_once(
    endpoint: str, prefix: str
) -> None:
    async with between(endpoint) as proxy:
        dynamo = Dynamo(region=REGION, endpoint=proxy.url)
        counting = counter(dynamo, prefix)
        await warmed(counting, dynamo, prefix)
        proxy.faults.extend([Broken.TWICE] * 3)
        answers = await count_each([counting], 3)
        assert all(sorted(admitted(one)) == [3, 4, 5] for one in answers.values())
        assert [(await counting.standing(subject, ANY)).usage.used for subject in SUBJECTS] == [5] * len(SUBJECTS)
        assert proxy.met[Broken.TWICE] == 3
        await counting.close()
        await dynamo.close()


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.THROTTLED, Fault.LATE])
async def test_requests_that_go_wrong_count_each_call_of_each_subject_once(
    endpoint: str, prefix: str, fault: Fault
) -> None:
    async with faulty(endpoint) as (store, dynamo):
        counting = counter(dynamo, prefix)
        await warmed(counting, dynamo, prefix)
        store.faults = deque([fault, Fault.NONE, fault])
        answers = await count_each([counting], 3)
        await store.settle()
        assert all(sorted(admitted(one)) == [3, 4, 5] for one in answers.values())
        assert [(await counting.standing(subject, ANY)).usage.used for subject in SUBJECTS] == [5] * len(SUBJECTS)
        await counting.close()


async def test_two_processes_give_every_call_of_every_subject_a_count_of_its_own(
    dynamo: Dynamo, endpoint: str, prefix: str
) -> None:
    other = Dynamo(region=REGION, endpoint=endpoint)
    counters = [counter(dynamo, prefix), counter(other, prefix)]
    await warmed(counters[0], dynamo, prefix)
    quota = Quota("any", 9, UNLIMITED)
    found: dict[str, list[int]] = {subject: [1, 2] for subject in SUBJECTS}
    for _ in range(3):
        for subject, answers in (await count_each(counters, 4, quota)).items():
            found[subject] += admitted(answers)
    assert all(sorted(counts) == list(range(1, 10)) for counts in found.values())
    assert [(await counters[0].standing(one, quota)).usage.used for one in SUBJECTS] == [9] * len(SUBJECTS)
    await other.close()


async def test_close_waits_for_writes_that_go_together(dynamo: Dynamo, prefix: str) -> None:
    counting = counter(dynamo, prefix)
    await warmed(counting, dynamo, prefix)
    calls = [asyncio.create_task(counting.count(subject, ANY)) for subject in SUBJECTS * 3]
    await asyncio.sleep(0)
    await counting.close()
    await asyncio.sleep(0)
    assert all(call.done() for call in calls)
    assert [(await counting.standing(subject, ANY)).usage.used for subject in SUBJECTS] == [5] * len(SUBJECTS)


async def test_what_breaks_before_a_write_is_told_and_holds_nobody_up(dynamo: Dynamo, prefix: str) -> None:
    broken: list[Exception] = []

    def clock() -> datetime:
        if broken:
            raise broken.pop()
        return utc_now()

    counting = counter(dynamo, prefix, clock)
    await warmed(counting, dynamo, prefix)
    broken.append(RuntimeError("odd"))
    found = await asyncio.gather(*(counting.count(subject, ANY) for subject in SUBJECTS), return_exceptions=True)
    assert [type(one) for one in found].count(RuntimeError) == 1
    answers = await count_each([counting], 1)
    assert sorted(used for one in answers.values() for used in admitted(one)) == [3, *[4] * (len(SUBJECTS) - 1)]
    await counting.close()


class Vague(Dynamo):
    """Now and then answers what it has done without telling the counts."""

    every = 2
    batches = 0

    def _post(self, operation: str, request: dict[str, Any], ended: Ended) -> None:
        self.batches += 1
        super()._post(operation, request, partial(self._dropping, ended) if self.batches % self.every == 0 else ended)

    def _dropping(self, ended: Ended, answer: dict[str, Any] | Exception) -> None:
        if not isinstance(answer, Exception):
            for said in answer["Responses"]:
                said.get("Item", {}).pop("usageCount", None)
        ended(answer)


async def test_an_answer_that_tells_no_count_is_looked_up_and_counted_once(endpoint: str, prefix: str) -> None:
    dynamo = Vague(region=REGION, endpoint=endpoint)
    counting = counter(dynamo, prefix)
    await warmed(counting, dynamo, prefix)
    for count in range(3, 7):
        assert all(admitted(one) == [count] for one in (await count_each([counting], 1)).values())
    assert [(await counting.standing(subject, ANY)).usage.used for subject in SUBJECTS] == [6] * len(SUBJECTS)
    await counting.close()
    await dynamo.close()


async def test_every_way_to_count_takes_turns_in_one_lane(dynamo: Dynamo, prefix: str) -> None:
    """Calls with keys go as transactions, others along with other subjects' writes; neither overtakes nor is lost."""
    counting = counter(dynamo, prefix)
    await warmed(counting, dynamo, prefix)

    async def one(subject: str, turn: int) -> int:
        await asyncio.sleep(turn / 500)
        key = marked(f"{subject} {turn}") if turn % 3 == 0 else None
        return (await counting.count(subject, ANY, 1, key)).decision.usage.used

    for subject in SUBJECTS[:2]:
        assert sorted(await asyncio.gather(*(one(subject, turn) for turn in range(20)))) == list(range(3, 23))
    await counting.close()


async def test_other_writers_are_heard_of_and_removed_though_most_answers_tell_only_counts(
    dynamo: Dynamo, prefix: str
) -> None:
    clock = SetClock.at("2026-11-02T12:00:00")
    counters = [counter(dynamo, prefix, clock) for _ in range(3)]
    await warmed(counters[0], dynamo, prefix)
    quota = Quota("any", UNLIMITED, 1_000)
    days = 12
    for _ in range(days):
        for counting in counters:
            for _ in range(3):
                await count_each([counting], 1, quota)
        clock.advance(days=1)
    for subject in SUBJECTS:
        item = await dynamo.get(prefix + "tenant-usage", usage_key(subject))
        assert item is not None
        assert item["usageCount"] == 2 + days * 3 * 3
        assert len(item["writers"]) <= MAX_WRITERS
        assert sum(units_of(share_in(entry)) for entry in item["writers"].values()) <= item["usageCount"]

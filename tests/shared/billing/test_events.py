"""Webhook events: worked on once, never answered before the work is done, and taken over after a crash."""

import asyncio

import pytest

from shared.adapters.dynamodb import Dynamo
from shared.adapters.stripe_gateway import Event
from shared.billing.events import LEASE, EventLog
from shared.domain.errors import Unavailable
from tests.clocks import SetClock

pytestmark = pytest.mark.store

EVENT = Event("evt_1", "invoice.paid", 1, livemode=False, account=None, object={})


class Killed(BaseException):
    """The process ends here, without a word."""


class Work:
    """Counts how often it was done, after failing as it is told to."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.done = 0

    async def __call__(self, _event: Event) -> str:
        await asyncio.sleep(0.01)
        if self.failures:
            raise self.failures.pop(0)
        self.done += 1
        return "applied"


def log(dynamo: Dynamo, prefix: str, clock: SetClock) -> EventLog:
    return EventLog(dynamo, prefix + "platform-usage", clock)


async def test_work_that_fails_is_raised_and_the_next_delivery_does_it(dynamo: Dynamo, prefix: str) -> None:
    events, work = log(dynamo, prefix, SetClock()), Work(Unavailable("Down."), RuntimeError("bug"))
    for expected in (Unavailable, RuntimeError):
        with pytest.raises(expected):
            await events.once(EVENT, work)
    assert await events.once(EVENT, work) == "applied"
    assert await events.once(EVENT, work) == "duplicate"
    assert work.done == 1


async def test_a_crash_after_the_claim_is_taken_over_when_the_lease_is_over(dynamo: Dynamo, prefix: str) -> None:
    clock, work = SetClock(), Work(Killed())
    events = log(dynamo, prefix, clock)
    with pytest.raises(Killed):
        await events.once(EVENT, work)
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert await log(dynamo, prefix, clock).once(EVENT, work) == "applied"


async def test_a_failure_after_the_lease_does_not_give_back_anothers_claim(dynamo: Dynamo, prefix: str) -> None:
    clock, begun, go_on = SetClock(), asyncio.Event(), asyncio.Event()

    async def slow(_event: Event) -> str:
        begun.set()
        await go_on.wait()
        raise RuntimeError("too late to matter")

    late = asyncio.create_task(log(dynamo, prefix, clock).once(EVENT, slow))
    await begun.wait()
    clock.advance(seconds=LEASE.total_seconds() + 1)
    work = Work()
    assert await log(dynamo, prefix, clock).once(EVENT, work) == "applied"
    go_on.set()
    with pytest.raises(RuntimeError):
        await late
    assert await log(dynamo, prefix, clock).once(EVENT, work) == "duplicate"
    assert work.done == 1


async def test_who_waits_for_one_that_does_not_end_is_told_to_come_again(dynamo: Dynamo, prefix: str) -> None:
    clock = SetClock()
    with pytest.raises(Killed):
        await log(dynamo, prefix, clock).once(EVENT, Work(Killed()))
    impatient = EventLog(dynamo, prefix + "platform-usage", clock, patience_seconds=0.2)
    with pytest.raises(Unavailable):
        await impatient.once(EVENT, Work())


async def test_work_that_takes_too_long_is_not_taken_and_the_next_delivery_does_it(dynamo: Dynamo, prefix: str) -> None:
    async def silent(_event: Event) -> str:
        await asyncio.sleep(60)
        return "applied"

    events = EventLog(dynamo, prefix + "platform-usage", SetClock(), work_seconds=0.1)
    with pytest.raises(Unavailable, match="too long"):
        await events.once(EVENT, silent)
    work = Work()
    assert await log(dynamo, prefix, SetClock()).once(EVENT, work) == "applied"
    assert work.done == 1


async def test_a_delivery_meanwhile_waits_and_is_never_taken_before_the_work_is_done(
    dynamo: Dynamo, prefix: str
) -> None:
    work = Work()
    logs = [log(dynamo, prefix, SetClock()) for _ in range(2)]
    outcomes = await asyncio.gather(*(logs[index % 2].once(EVENT, work) for index in range(20)))
    assert sorted(outcomes) == ["applied"] + ["duplicate"] * 19
    assert work.done == 1


async def test_those_who_wait_for_work_that_fails_do_it_themselves(dynamo: Dynamo, prefix: str) -> None:
    events, work = log(dynamo, prefix, SetClock()), Work(Unavailable("Down."))
    outcomes = await asyncio.gather(*(events.once(EVENT, work) for _ in range(5)), return_exceptions=True)
    assert isinstance(outcomes[0], Unavailable)
    assert sorted(str(one) for one in outcomes[1:]) == ["applied"] + ["duplicate"] * 3
    assert work.done == 1

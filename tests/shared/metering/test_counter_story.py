"""A stateful test of the counter: random calls, retries, faults, restarts and clock moves against a simple model."""

import asyncio
from dataclasses import dataclass, field
from secrets import token_hex

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import random_bytes
from shared.domain.periods import Month, minute_of
from shared.domain.quota import Quota, Verdict
from shared.metering.calls import Counted, Idempotency
from shared.metering.counter import Counter
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.effort import examples
from tests.faults import Fault, FaultyStore
from tests.serving import serving

LIMIT, RATE = 12, 6
QUOTA = Quota("free", LIMIT, RATE)
RECOVERABLE = [Fault.NONE, Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.THROTTLED, Fault.LATE]


@dataclass
class Model:
    """What must be true of one subject, kept with plain sums."""

    month: Month
    minute: int
    used: int = 0
    calls: int = 0
    answers: dict[str, Counted] = field(default_factory=dict)

    def turn(self, clock: SetClock) -> None:
        if Month.of(clock()) != self.month:
            self.month, self.used = Month.of(clock()), 0
        if minute_of(clock()) != self.minute:
            self.minute, self.calls = minute_of(clock()), 0

    def expect(self, units: int) -> Verdict:
        if self.used + units > LIMIT:
            return Verdict.OVER_QUOTA
        if self.calls + 1 > RATE:
            return Verdict.RATE_LIMITED
        self.used += units
        self.calls += 1
        return Verdict.ADMITTED


class CounterStory(RuleBasedStateMachine):
    """Two processes count for one subject through a faulty store; after each step the model agrees."""

    runner: asyncio.Runner
    store: FaultyStore
    dynamo: Dynamo
    table: str

    def __init__(self) -> None:
        super().__init__()
        self.clock = SetClock.at("2026-11-28T23:58:30")
        self.model = Model(Month.of(self.clock()), minute_of(self.clock()))

    @initialize()
    def open(self) -> None:
        self.subject = f"usage:{token_hex(8)}"  # not drawn: a replayed example must not meet its own traces
        self.counters = [self.process(), self.process()]

    def process(self) -> Counter:
        return Counter(self.dynamo, self.table, self.clock, random_bytes)

    @rule(process=st.integers(0, 1), units=st.integers(1, 4), fault=st.sampled_from(RECOVERABLE))
    def call(self, process: int, units: int, fault: Fault) -> None:
        self.store.faults.append(fault)
        answer = self.runner.run(self.counters[process].count(self.subject, QUOTA, units))
        self.after_call(answer, units)

    @rule(process=st.integers(0, 1), key=st.sampled_from("abc"), fault=st.sampled_from(RECOVERABLE))
    def call_with_key(self, process: int, key: str, fault: Fault) -> None:
        self.store.faults.append(fault)
        answer = self.runner.run(self.counters[process].count(self.subject, QUOTA, 1, Idempotency(key, "body")))
        if key in self.model.answers:
            assert answer == Counted(self.model.answers[key].decision, replayed=True)
            self.settle()
            return
        self.after_call(answer, 1)
        if answer.decision.admitted:
            self.model.answers[key] = answer

    @rule(process=st.integers(0, 1), count=st.integers(2, 10))
    def burst(self, process: int, count: int) -> None:
        async def together() -> list[Counted]:
            return await asyncio.gather(*(self.counters[process].count(self.subject, QUOTA) for _ in range(count)))

        for answer in self.runner.run(together()):
            self.after_call(answer, 1)

    @rule(process=st.integers(0, 1))
    def restart(self, process: int) -> None:
        self.counters[process] = self.process()

    @rule(seconds=st.sampled_from([1, 20, 60, 3600, 24 * 3600]))
    def wait(self, seconds: int) -> None:
        before = self.clock()
        self.clock.advance(seconds=seconds)
        if (self.clock() - before).days:
            self.model.answers.clear()

    @invariant()
    def stored_is_what_was_answered(self) -> None:
        self.model.turn(self.clock)
        usage = self.runner.run(self.counters[0].standing(self.subject, QUOTA)).usage
        assert (usage.used, usage.calls) == (self.model.used, self.model.calls)

    def after_call(self, answer: Counted, units: int) -> None:
        self.model.turn(self.clock)
        assert answer.decision.verdict is self.model.expect(units)
        self.settle()

    def settle(self) -> None:
        self.store.faults.clear()
        self.runner.run(self.store.settle())


@pytest.mark.store
def test_every_story_ends_with_the_count_that_was_answered(endpoint: str, prefix: str) -> None:
    with asyncio.Runner() as runner:
        store = FaultyStore(endpoint, late_seconds=0.01)
        served = serving(store.app)
        dynamo = Dynamo(region=REGION, endpoint=runner.run(served.__aenter__()))

        class Story(CounterStory):
            pass

        Story.runner, Story.store, Story.dynamo, Story.table = runner, store, dynamo, prefix + "tenant-usage"
        chosen = settings(
            max_examples=examples(12), stateful_step_count=20, deadline=None, suppress_health_check=[*HealthCheck]
        )
        run_state_machine_as_test(Story, settings=chosen)
        runner.run(dynamo.close())
        runner.run(served.__aexit__(None, None, None))

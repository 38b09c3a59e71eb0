"""A stateful test of the figures: any mix of calls, refusals, lost answers, processes that end or are killed, and time.

After each recount the rows say, day by day and tier by tier, exactly what a simple model says was admitted.
"""

import asyncio
from collections import defaultdict
from datetime import date
from secrets import token_hex

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from shared.adapters.dynamodb import Dynamo
from shared.domain.periods import Month
from shared.domain.quota import UNLIMITED, Quota
from shared.metering.calls import Counted
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.effort import examples
from tests.faults import Fault, FaultyStore
from tests.serving import serving
from tests.tenant_api.activity import Processes

QUOTAS = {"free": Quota("free", 12, 6), "pro": Quota("pro", 40, UNLIMITED)}
USERS = ["anna", "ben", "cleo"]
FAULTS = [Fault.NONE, Fault.NONE, Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.THROTTLED, Fault.LATE]


class TallyStory(RuleBasedStateMachine):
    """Two processes at a time, replaced when they end."""

    runner: asyncio.Runner
    store: FaultyStore
    dynamo: Dynamo
    prefix: str

    def __init__(self) -> None:
        super().__init__()
        self.clock = SetClock.at("2026-11-29T22:30:30")
        self.platform = "plt_" + token_hex(16)
        self.units: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.refusals = 0
        self.plans: dict[tuple[Month, str], str] = {}

    @initialize()
    def open(self) -> None:
        self.all = Processes(self.dynamo, self.prefix, self.clock)
        self.processes = [self.all.start(), self.all.start()]

    def count(self, answers: list[Counted], user: str, plan: str, units: int) -> None:
        today = self.clock().date()
        for answer in answers:
            if answer.decision.admitted:
                self.units[today][plan] += units
                self.plans[Month.of(self.clock()), user] = plan
            else:
                self.refusals += 1
        self.store.faults.clear()
        self.runner.run(self.store.settle())

    @rule(
        process=st.integers(0, 1),
        user=st.sampled_from(USERS),
        plan=st.sampled_from(sorted(QUOTAS)),
        units=st.integers(1, 3),
        fault=st.sampled_from(FAULTS),
        marked=st.booleans(),
    )
    def call(self, process: int, user: str, plan: str, units: int, fault: Fault, marked: bool) -> None:
        self.store.faults.append(fault)
        key = token_hex(4) if marked else None
        called = self.processes[process].call(user, QUOTAS[plan], units, key, self.platform)
        self.count([self.runner.run(called)], user, plan, units)

    @rule(user=st.sampled_from(USERS), plan=st.sampled_from(sorted(QUOTAS)), many=st.integers(2, 8))
    def race(self, user: str, plan: str, many: int) -> None:
        async def together() -> list[Counted]:
            calls = [self.processes[one % 2].call(user, QUOTAS[plan], 1, None, self.platform) for one in range(many)]
            return await asyncio.gather(*calls)

        self.count(self.runner.run(together()), user, plan, 1)

    @rule(process=st.integers(0, 1))
    def flush(self, process: int) -> None:
        self.runner.run(self.processes[process].tally.flush())

    @rule(process=st.integers(0, 1), clean=st.booleans())
    def end(self, process: int, clean: bool) -> None:
        ending = self.processes[process]
        if clean:
            in_doubt = ending.in_doubt  # which leaves the day to the recount
            self.runner.run(ending.stop())
            assert in_doubt or not self.runner.run(self.all.open_days(ending))
        else:
            ending.kill()
        self.processes[process] = self.all.start()

    @rule(hours=st.sampled_from([1, 1, 23, 24]))
    def wait(self, hours: int) -> None:
        """With what a service does meanwhile: it learns of every write's outcome, and recounts within a day."""
        for process in self.processes:
            self.runner.run(process.look())
        self.clock.advance(hours=hours)
        if hours > 1:
            self.runner.run(self.all.recount(*self.processes))

    @rule()
    def compare(self) -> None:
        self.at_rest()

    def at_rest(self) -> None:
        """Flush who lives, recount who was killed: then the rows are the sums."""

        async def settled() -> None:
            for process in self.processes:
                await process.tally.flush()
            self.clock.advance(seconds=1)
            await self.all.recount(*self.processes)

        self.runner.run(settled())
        days = self.runner.run(self.all.by_day(self.platform))
        units = {day: {tier: pair[0] for tier, pair in share.items() if pair[0]} for day, share in days.items()}
        assert {day: share for day, share in units.items() if share} == {
            day: dict(tiers) for day, tiers in self.units.items() if tiers
        }
        self.compare_month()

    def compare_month(self) -> None:
        month = Month.of(self.clock())
        users: dict[str, int] = defaultdict(int)
        for row in self.runner.run(self.all.told(self.platform)):
            if (row.day.year, row.day.month) == (month.year, month.month):
                for tier, (_, more) in row.share.items():
                    users[tier] += more
        plans = [plan for (of, _), plan in self.plans.items() if of == month]
        assert {tier: count for tier, count in users.items() if count} == {
            plan: plans.count(plan) for plan in set(plans)
        }

    def teardown(self) -> None:
        if hasattr(self, "all"):
            self.at_rest()
            told = self.runner.run(self.all.told(self.platform))
            assert sum(row.over_quota + row.rate_limited for row in told) <= self.refusals
            for process in self.processes:
                self.runner.run(process.stop())


@pytest.mark.store
def test_every_story_ends_with_rows_that_are_the_sums_of_the_counts(endpoint: str, prefix: str) -> None:
    with asyncio.Runner() as runner:
        store = FaultyStore(endpoint, late_seconds=0.01)
        served = serving(store.app)
        dynamo = Dynamo(region=REGION, endpoint=runner.run(served.__aenter__()))

        class Story(TallyStory):
            pass

        Story.runner, Story.store, Story.dynamo, Story.prefix = runner, store, dynamo, prefix
        chosen = settings(
            max_examples=examples(8), stateful_step_count=20, deadline=None, suppress_health_check=[*HealthCheck]
        )
        run_state_machine_as_test(Story, settings=chosen)
        runner.run(dynamo.close())
        runner.run(served.__aexit__(None, None, None))

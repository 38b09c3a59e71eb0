"""What one write is to do for the calls that share it: every call decided in arrival order, and the totals. Pure.

shared.metering.lane plans, shared.metering.ledger turns the plan into one conditional write.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.quota import UNLIMITED, Decision, Quota, Usage, decide

Ask = tuple[Quota, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions for several calls, made together.

    `before` is the usage at the instant, `after` the usage once the admitted calls are added. `units_room` and
    `calls_room` are the highest stored counts at which every admitted call still fits; None where no limit binds.
    `last` is the quota of the last admitted call.
    """

    now: datetime
    asks: tuple[Ask, ...]
    before: Usage
    after: Usage
    decisions: tuple[Decision, ...]
    units_room: int | None
    calls_room: int | None
    last: Quota | None

    @property
    def quota(self) -> Quota:
        """The quota of the last admitted call; a plan that is written has one."""
        if self.last is None:
            raise ValueError("no call is admitted")
        return self.last

    @property
    def units(self) -> int:
        return self.after.used - self.before.used

    @property
    def calls(self) -> int:
        return self.after.calls - self.before.calls

    def settled(self, stored: Usage) -> tuple[Decision, ...]:
        """The decisions as they stand once written: other processes may have counted beside us meanwhile."""
        if (stored.month, stored.minute) != (self.after.month, self.after.minute):
            return self.decisions
        units, calls = stored.used - self.after.used, stored.calls - self.after.calls
        if not units and not calls:
            return self.decisions
        return tuple(
            _shifted(decision, decision.usage.plus(units, calls), self.now, asked)
            for decision, (_, asked) in zip(self.decisions, self.asks, strict=True)
        )


def plan(stored: Usage | None, now: datetime, asks: Sequence[Ask]) -> Plan:
    """Decide the calls one after another, each against what the ones before it left."""
    before = Usage.none(now) if stored is None else stored.at(now)
    current = before
    decisions: list[Decision] = []
    units_rooms: list[int] = []
    calls_rooms: list[int] = []
    last: Quota | None = None
    for quota, units in asks:
        decision = decide(current, now, quota, units)
        decisions.append(decision)
        if not decision.admitted:
            continue
        current, last = decision.usage, quota
        if quota.limit != UNLIMITED:
            units_rooms.append(quota.limit - (current.used - before.used))
        if quota.rate_per_minute != UNLIMITED:
            calls_rooms.append(quota.rate_per_minute - (current.calls - before.calls))
    return Plan(
        now,
        tuple(asks),
        before,
        current,
        tuple(decisions),
        min(units_rooms, default=None),
        min(calls_rooms, default=None),
        last,
    )


def _shifted(decision: Decision, usage: Usage, now: datetime, units: int) -> Decision:
    """An admitted decision with the count that is really stored; a refusal with its reason told anew."""
    return replace(decision, usage=usage) if decision.admitted else decide(usage, now, decision.quota, units)

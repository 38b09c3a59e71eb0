"""What one write is to do for the calls that share it: every call decided in arrival order, and the totals. Pure.

shared.metering.lane plans, shared.metering.ledger turns the plan into one conditional write.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.quota import UNLIMITED, Decision, Quota, Usage, decide, decided

Ask = tuple[Quota, int]


class Plan(Struct, frozen=True, gc=False):
    """Decisions for several calls, made together.

    `before` is the usage at the instant, `after` the usage once the admitted calls are added. `units_room` and
    `calls_room` are the highest stored counts at which every admitted call still fits; None where no limit binds.
    `last` is the quota of the last admitted call.
    """

    now: datetime
    asks: Sequence[Ask]
    before: Usage
    after: Usage
    decisions: Sequence[Decision]
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

    def settled(self, stored: Usage) -> Sequence[Decision]:
        """The decisions as they stand once written: other processes may have counted beside us meanwhile."""
        after = self.after
        if stored == after or (stored.month, stored.minute) != (after.month, after.minute):
            return self.decisions
        units, calls = stored.used - after.used, stored.calls - after.calls
        return [
            _shifted(decision, decision.usage.plus(units, calls), self.now, asked)
            for decision, (_, asked) in zip(self.decisions, self.asks, strict=True)
        ]


def plan(stored: Usage | None, now: datetime, asks: Sequence[Ask]) -> Plan:
    """Decide the calls one after another, each against what the ones before it left."""
    before = current = Usage.none(now) if stored is None else stored.at(now)
    decisions: list[Decision] = []
    units_room: int | None = None
    calls_room: int | None = None
    last: Quota | None = None
    for quota, units in asks:
        decision = decided(current, quota, units)
        decisions.append(decision)
        if not decision.admitted:
            continue
        current, last = decision.usage, quota
        if quota.limit != UNLIMITED:
            room = quota.limit - (current.used - before.used)
            units_room = room if units_room is None or room < units_room else units_room
        if quota.rate_per_minute != UNLIMITED:
            room = quota.rate_per_minute - (current.calls - before.calls)
            calls_room = room if calls_room is None or room < calls_room else calls_room
    return Plan(now, asks, before, current, decisions, units_room, calls_room, last)


def _shifted(decision: Decision, usage: Usage, now: datetime, units: int) -> Decision:
    """An admitted decision with the count that is really stored; a refusal with its reason told anew."""
    return replace(decision, usage=usage) if decision.admitted else decide(usage, now, decision.quota, units)

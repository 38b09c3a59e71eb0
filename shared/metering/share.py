"""What a write adds, by tier: units, and users who are active in the month. Pure.

The sum of a process's shares of a day is what that process counted on that day; so the sum over all processes is
what all users counted. shared.metering.ledger keeps the shares in the usage items, an observer adds them up.
"""

from collections.abc import Mapping
from typing import Any

from shared.metering.plan import Plan

Share = Mapping[str, tuple[int, int]]  # tier: units, users

NOTHING: Share = {}
_NONE = (0, 0)


def share_of(planned: Plan, plan_before: str | None) -> Share:
    """What the admitted calls add. A user counts once a month, under the tier of the last admitted call.

    `plan_before` is the tier the user counts under so far; None for one who has not called in this month yet.
    """
    found: dict[str, tuple[int, int]] = {}
    plan_after = plan_before
    for decision, (quota, units) in zip(planned.decisions, planned.asks, strict=True):
        if decision.admitted:
            plan_after = quota.plan
            found[plan_after] = (found[plan_after][0] + units if plan_after in found else units, 0)
    if plan_after is not None and plan_after != plan_before:
        moved = {plan_after: (0, 1)} if plan_before is None else {plan_after: (0, 1), plan_before: (0, -1)}
        return added(found, moved)
    return found


def added(one: Share, more: Share) -> dict[str, tuple[int, int]]:
    """The sum, tier by tier."""
    total = dict(one)
    add(total, more)
    return total


def add(total: dict[str, tuple[int, int]], more: Share) -> None:
    """The same, in place."""
    for tier, (units, users) in more.items():
        before = total.get(tier, _NONE)
        total[tier] = (before[0] + units, before[1] + users)


def units_of(share: Share) -> int:
    return sum(units for units, _ in share.values())


def users_of(share: Share) -> int:
    return sum(users for _, users in share.values())


def share_to_wire(share: Share) -> dict[str, list[int]]:
    return {tier: list(pair) for tier, pair in share.items()}


def share_from_wire(wire: Mapping[str, Any]) -> Share:
    return {tier: (int(pair[0]), int(pair[1])) for tier, pair in wire.items()}


def entry_of(number: int, share: Share) -> str:
    """What a usage item keeps of a writer: the number of its last write and its share, `7;free=500,1;pro=20,0`."""
    entry = str(number)
    for tier, (units, users) in share.items():
        entry += f";{tier}={units},{users}"
    return entry


def number_in(entry: str) -> int:
    return int(entry.partition(";")[0])


def share_in(entry: str) -> Share:
    found: dict[str, tuple[int, int]] = {}
    for part in entry.split(";")[1:]:
        tier, _, pair = part.partition("=")
        units, _, users = pair.partition(",")
        found[tier] = (int(units), int(users))
    return found

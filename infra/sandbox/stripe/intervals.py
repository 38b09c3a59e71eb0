"""The ends of billing periods: pure arithmetic on an anchor, in UTC. Subscriptions and the lifecycle call it."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from infra.sandbox.stripe.errors import Object

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def next_end(anchor: int, after: int, recurring: Object) -> int:
    """The first end of a period, counted from the anchor, that lies after an instant.

    Counted from the anchor and not from the last end, so that the 31st comes back after a February.
    """
    step = 1
    while (end := _end(anchor, step * int(recurring["interval_count"]), recurring["interval"])) <= after:
        step += 1
    return end


def _end(anchor: int, count: int, interval: str) -> int:
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in DAYS:
        return int((start + timedelta(days=count * DAYS[interval])).timestamp())
    months = start.month - 1 + count * MONTHS[interval]
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())

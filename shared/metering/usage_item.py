"""A subject's usage item: its shape, and a write that is to be made of it. shared.metering.usage_write words the write.

An item holds the month (`periodStart`, `usageCount`, units by day of the month in `days`), the minute (`minute`,
`minuteCalls`) and, under `writers`, the number of the last write of each process that has written it, and what it
counted here on a day: units and users by tier (`7;free=500,1`). That makes a write safe to send again: it is
conditional on what its process left there before, so of two attempts at the same calls only one can happen, and the
item says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.domain.periods import Month
from shared.domain.quota import Usage
from shared.metering.plan import Plan
from shared.metering.share import NOTHING, Share, added, entry_of, number_in, share_in
from shared.metering.stamps import Stamp, writers_since

MAX_WRITERS = 16  # the oldest beyond these belong to processes that are long gone
ENOUGH_WRITERS = 8  # beyond these, those of before yesterday go: an item of every day stays below 1 KB


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds for a subject, as last seen. `usage` and `plan` are None where there is no item yet."""

    usage: Usage | None = None
    plan: str | None = None
    writers: Mapping[str, str] = field(default_factory=dict)
    past: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> "Stored":
        if item is None:
            return cls()
        month = Month.parse(item["periodStart"][:7])
        usage = Usage(month, item["usageCount"], item["minute"], item["minuteCalls"])
        return cls(usage, item["plan"], item["writers"], item.get("past", {}), item["days"])

    def number_of(self, writer: str) -> int | None:
        """The last write of a writer that the item knows of; also of one from the end of the month before."""
        entry = self.writers.get(writer) or self.past.get(writer)
        return None if entry is None else number_in(entry)

    def share_of(self, writer: str) -> Share:
        """What a writer has counted here."""
        entry = self.writers.get(writer) or self.past.get(writer)
        return NOTHING if entry is None else share_in(entry)

    def plan_in(self, month: Month) -> str | None:
        """The tier the subject counts under in a month; None before the first call of it."""
        return self.plan if self.usage is not None and self.usage.month == month else None


@dataclass(frozen=True, slots=True)
class Posting:
    """A write to be made: what was seen before it, what it counts, who makes it and what that adds to their share."""

    subject: str
    seen: Stored
    planned: Plan
    stamp: Stamp
    share: Share

    @property
    def starts_month(self) -> bool:
        usage = self.seen.usage
        return usage is None or usage.month < self.planned.after.month

    def entry(self) -> str:
        """What the writer will have counted here once this is written."""
        before = NOTHING if self.starts_month else self.seen.share_of(self.stamp.writer)
        return entry_of(self.stamp.number, added(before, self.share) if before else self.share)

    def after(self) -> Stored:
        """What stands there once this is written on exactly what was seen."""
        own, day = {self.stamp.writer: self.entry()}, day_name(self.stamp.day)
        plan, seen = self.planned.quota.plan, self.seen
        if self.starts_month:
            return Stored(self.planned.after, plan, own, seen.writers, {day: self.planned.units})
        days = {**seen.days, day: seen.days.get(day, 0) + self.planned.units}
        kept = {name: entry for name, entry in seen.writers.items() if name not in set(superseded(self))}
        return Stored(self.planned.after, plan, kept | own, seen.past, days)


def usage_key(subject: str) -> dict[str, str]:
    return {"pk": subject, "sk": "usage"}


def day_name(day: date) -> str:
    """Days are kept by their number in the month."""
    return f"{day.day:02d}"


def superseded(posting: Posting) -> tuple[str, ...]:
    """The writers whose traces this write removes, the oldest first."""
    if len(posting.seen.writers) < ENOUGH_WRITERS:
        return ()
    others = sorted(name for name in posting.seen.writers if name != posting.stamp.writer)
    if len(others) < ENOUGH_WRITERS:
        return ()
    yesterday = writers_since(posting.stamp.day - timedelta(days=1))
    old = sum(name < yesterday for name in others)
    return tuple(others[: max(len(others) + 1 - MAX_WRITERS, min(old, len(others) + 1 - ENOUGH_WRITERS))])

"""A subject's usage item: its shape, and a write that is to be made of it. shared.metering.usage_write words the write.

An item holds the month (`periodStart`, `usageCount`, units by day of the month in `days`), the minute (`minute`,
`minuteCalls`) and, under `writers`, the number of the last write of each process that has written it, and what it
counted here on a day: units and users by tier (`7;free=500,1`). That makes a write safe to send again: it is
conditional on what its process left there before, so of two attempts at the same calls only one can happen, and the
item says which.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from shared.adapters.dynamodb import text_of
from shared.domain.periods import Month
from shared.domain.quota import Usage
from shared.metering.plan import Plan
from shared.metering.share import NOTHING, Share, added, entry_of, number_in, share_in, share_of
from shared.metering.stamps import Stamp, writers_since

MAX_WRITERS = 16  # the oldest beyond these belong to processes that are long gone
ENOUGH_WRITERS = 8  # beyond these, those of before yesterday go: an item of every day stays below 1 KB
_DAYS = tuple(f"{number:02d}" for number in range(32))
_EMPTY: Mapping[str, Any] = {}


class Stored(Struct, frozen=True, gc=False):
    """What the store holds for a subject, as last seen. `usage` and `plan` are None where there is no item yet.

    The values of the maps are plain or in wire form, as they came: few are ever looked at. `own` is what a writer of
    this process was seen to leave there: its name, its entry and the share in it.
    """

    usage: Usage | None = None
    plan: str | None = None
    writers: Mapping[str, Any] = _EMPTY
    past: Mapping[str, Any] = _EMPTY
    days: Mapping[str, Any] = _EMPTY
    own: tuple[str, str, Share] | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> "Stored":
        if item is None:
            return cls()
        month = Month.parse(item["periodStart"][:7])
        usage = Usage(month, item["usageCount"], item["minute"], item["minuteCalls"])
        return cls(usage, item["plan"], item["writers"], item.get("past", _EMPTY), item["days"])

    def entry_of(self, writer: str) -> str | None:
        """What a writer left here; also one from the end of the month before."""
        if self.own is not None and self.own[0] == writer:
            return self.own[1]
        entry = self.writers.get(writer) or self.past.get(writer)
        return None if entry is None else text_of(entry)

    def number_of(self, writer: str) -> int | None:
        """The last write of a writer that the item knows of."""
        entry = self.entry_of(writer)
        return None if entry is None else number_in(entry)

    def share_of(self, writer: str) -> Share:
        """What a writer has counted here."""
        if self.own is not None and self.own[0] == writer:
            return self.own[2]
        entry = self.entry_of(writer)
        return NOTHING if entry is None else share_in(entry)

    def plan_in(self, month: Month) -> str | None:
        """The tier the subject counts under in a month; None before the first call of it."""
        return self.plan if self.usage is not None and self.usage.month == month else None


class Posting(Struct, frozen=True, gc=False):
    """A write to be made: what was seen before it, what it counts, who makes it and what that adds to their share.

    `total` is what the writer will have counted here once this is written, `entry` the same as the item keeps it.
    """

    subject: str
    seen: Stored
    planned: Plan
    stamp: Stamp
    plan_before: str | None
    share: Share
    total: Share
    entry: str
    starts_month: bool

    @classmethod
    def of(cls, subject: str, seen: Stored, planned: Plan, stamp: Stamp) -> "Posting":
        month = planned.after.month
        starts = seen.usage is None or seen.usage.month < month
        plan_before = seen.plan_in(month)
        share = share_of(planned, plan_before)
        total = share if starts else added(seen.share_of(stamp.writer), share)
        return cls(subject, seen, planned, stamp, plan_before, share, total, entry_of(stamp.number, total), starts)

    def answered(self, wired: Mapping[str, Any]) -> Stored | None:
        """What stands there once this is written, by the store's answer, in wire form; None where that can't be told.

        What the write has set, or was conditional on, needs no second look.
        """
        after = self.planned.after
        try:
            used, calls = int(wired["usageCount"]["N"]), int(wired["minuteCalls"]["N"])
        except (KeyError, TypeError, ValueError):
            return None
        usage = after
        if used != after.used or calls != after.calls:
            usage = Usage(after.month, used, after.minute, calls)
        if "periodStart" not in wired:  # a brief answer, of a write that changed nothing else
            seen = self.seen
            return Stored(usage, seen.plan, seen.writers, seen.past, seen.days, self._own())
        past = wired["past"]["M"] if "past" in wired else _EMPTY
        return Stored(usage, self.planned.quota.plan, wired["writers"]["M"], past, wired["days"]["M"], self._own())

    def after(self) -> Stored:
        """What stands there once this is written on exactly what was seen."""
        own, day = {self.stamp.writer: self.entry}, day_name(self.stamp.day)
        plan, seen = self.planned.quota.plan, self.seen
        if self.starts_month:
            return Stored(self.planned.after, plan, own, seen.writers, {day: self.planned.units}, self._own())
        gone = set(superseded(self))
        kept = {name: entry for name, entry in seen.writers.items() if name not in gone}
        return Stored(self.planned.after, plan, kept | own, seen.past, {**seen.days, day: None}, self._own())

    def _own(self) -> tuple[str, str, Share]:
        return self.stamp.writer, self.entry, self.total


def usage_key(subject: str) -> dict[str, str]:
    return {"pk": subject, "sk": "usage"}


def day_name(day: date) -> str:
    """Days are kept by their number in the month."""
    return _DAYS[day.day]


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

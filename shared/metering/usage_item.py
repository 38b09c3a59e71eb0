"""A subject's usage item: its shape, and the one conditional write that decides and counts.

An item holds the month (`periodStart`, `usageCount`, units by day of the month in `days`), the minute (`minute`,
`minuteCalls`) and, under `writers`, what each process that has written it counted here on a day (`t`: units and users
by tier) and the number of its last write (`n`). That number makes a write safe to send again: it is a condition on
the number before it, so of two attempts at the same calls only one can happen, and the item says which.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.adapters.dynamodb import Item, Write, update
from shared.domain.periods import Month, timestamp
from shared.domain.quota import Usage
from shared.metering.plan import Plan
from shared.metering.share import NOTHING, Share, added, share_from_wire, share_to_wire
from shared.metering.stamps import Stamp, writers_since

KEPT_AFTER_MONTH = timedelta(days=400)
MAX_WRITERS = 16  # the oldest beyond these belong to processes that are long gone
ENOUGH_WRITERS = 8  # beyond these, those of before yesterday go: an item of every day stays below 1 KB
PAST_KEPT_DAYS = 2  # so long into a month its item also has the writers of the month before

Entry = Mapping[str, Any]  # one writer's: {"n": number, "t": share}


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds for a subject, as last seen. `usage` and `plan` are None where there is no item yet."""

    usage: Usage | None = None
    plan: str | None = None
    writers: Mapping[str, Entry] = field(default_factory=dict)
    past: Mapping[str, Entry] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_item(cls, item: Item | None) -> "Stored":
        if item is None:
            return cls()
        month = Month.parse(item["periodStart"][:7])
        usage = Usage(month, item["usageCount"], item["minute"], item["minuteCalls"])
        return cls(usage, item["plan"], item["writers"], item.get("past", {}), item["days"])

    def number_of(self, writer: str) -> int | None:
        """The last write of a writer that the item knows of; also of one from the end of the month before."""
        entry = self.writers.get(writer) or self.past.get(writer)
        return None if entry is None else int(entry["n"])

    def share_of(self, writer: str) -> Share:
        """What a writer has counted here."""
        entry = self.writers.get(writer) or self.past.get(writer)
        return NOTHING if entry is None else share_from_wire(entry["t"])

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

    def entry(self) -> Entry:
        """What the writer will have counted here once this is written."""
        before = NOTHING if self.starts_month else self.seen.share_of(self.stamp.writer)
        return {"n": self.stamp.number, "t": share_to_wire(added(before, self.share))}

    def after(self) -> Stored:
        """What stands there once this is written on exactly what was seen."""
        own, day = {self.stamp.writer: self.entry()}, day_name(self.stamp.day)
        plan, seen = last_plan(self.planned), self.seen
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


def last_plan(planned: Plan) -> str:
    """The tier of the last admitted call."""
    return next(one.quota.plan for one in reversed(planned.decisions) if one.admitted)


def superseded(posting: Posting) -> Iterable[str]:
    """The writers whose traces this write removes, the oldest first."""
    others = sorted(name for name in posting.seen.writers if name != posting.stamp.writer)
    if len(others) < ENOUGH_WRITERS:
        return ()
    yesterday = writers_since(posting.stamp.day - timedelta(days=1))
    old = sum(name < yesterday for name in others)
    return others[: max(len(others) + 1 - MAX_WRITERS, min(old, len(others) + 1 - ENOUGH_WRITERS))]


def usage_write(table: str, posting: Posting, *, exactly: bool = False) -> Write:
    """The one write; `exactly` where it may only happen on the very counts that were seen."""
    writing = _UsageWrite(posting, exactly=exactly)
    if posting.starts_month:
        writing.start_month()
    else:
        writing.add_to_month()
        if posting.seen.usage is not None and posting.seen.usage.minute < posting.planned.before.minute:
            writing.start_minute()
        else:
            writing.add_to_minute()
        writing.follow()
    return writing.request(table)


class _UsageWrite:
    """One update of a usage item, put together: what to set, to add, to remove, and on which conditions."""

    def __init__(self, posting: Posting, *, exactly: bool) -> None:
        self._posting = posting
        self._planned = posting.planned
        self._exactly = exactly
        self._sets = ["#updated = :updated"]
        self._adds: list[str] = []
        self._removes: list[str] = []
        self._conditions: list[str] = []
        self._names = {"#plan": "plan", "#updated": "lastUpdated", "#period": "periodStart"}
        self._names |= {"#writers": "writers", "#days": "days"}
        self._values: dict[str, Any] = {
            ":plan": last_plan(posting.planned),
            ":updated": timestamp(posting.planned.now),
            ":period": timestamp(posting.planned.after.month.start),
        }

    def start_month(self) -> None:
        after, stamp = self._planned.after, self._posting.stamp
        first = self._posting.seen.usage is None
        self._conditions.append("attribute_not_exists(#period)" if first else "#period < :period")
        if not first:
            self._names["#past"] = "past"
            self._sets.append("#past = #writers")  # the month before may still have to be recounted
        self._names |= {"#end": "periodEnd", "#expires": "expiresAt"}
        self._names |= {"#used": "usageCount", "#minute": "minute", "#calls": "minuteCalls"}
        self._values |= {
            ":end": timestamp(after.month.end),
            ":expires": int((after.month.end + KEPT_AFTER_MONTH).timestamp()),
            ":writers": {stamp.writer: self._posting.entry()},
            ":days": {day_name(stamp.day): after.used},
            ":used": after.used,
            ":minute": after.minute,
            ":calls": after.calls,
        }
        self._sets += ["#plan = :plan", "#period = :period", "#end = :end", "#expires = :expires"]
        self._sets += ["#writers = :writers", "#days = :days"]
        self._sets += ["#used = :used", "#minute = :minute", "#calls = :calls"]

    def add_to_month(self) -> None:
        self._conditions.append("#period = :period")
        self._add("used", "usageCount", self._planned.units)
        self._bind("used", self._planned.before.used if self._exactly else self._planned.units_room)
        self._keep_plan()
        self._names["#day"] = day_name(self._posting.stamp.day)
        if self._names["#day"] in self._posting.seen.days:
            self._sets.append("#days.#day = #days.#day + :more_used")
        else:
            self._sets.append("#days.#day = :more_used")
            self._conditions.append("attribute_not_exists(#days.#day)")

    def start_minute(self) -> None:
        self._names |= {"#minute": "minute", "#calls": "minuteCalls"}
        self._values |= {":minute": self._planned.after.minute, ":calls": self._planned.after.calls}
        self._conditions.append("#minute < :minute")
        self._sets += ["#minute = :minute", "#calls = :calls"]

    def add_to_minute(self) -> None:
        self._names["#minute"] = "minute"
        self._values[":minute"] = self._planned.after.minute
        self._conditions.append("#minute = :minute")
        self._add("calls", "minuteCalls", self._planned.calls)
        self._bind("calls", self._planned.before.calls if self._exactly else self._planned.calls_room)

    def follow(self) -> None:
        """Only after this process's own last write that is known, and leave a trace of this one."""
        seen, own = self._posting.seen, self._posting.stamp.writer
        self._names["#own"] = own
        self._values[":own"] = self._posting.entry()
        self._sets.append("#writers.#own = :own")
        if own in seen.writers:
            self._names["#n"] = "n"
            self._conditions.append("#writers.#own.#n = :last")
            self._values[":last"] = seen.writers[own]["n"]
        else:
            self._conditions.append("attribute_not_exists(#writers.#own)")
        for index, name in enumerate(superseded(self._posting)):
            self._names[f"#gone{index}"] = name
            self._removes.append(f"#writers.#gone{index}")
        if seen.past and self._posting.stamp.day.day > PAST_KEPT_DAYS:
            self._names["#past"] = "past"
            self._removes.append("#past")

    def request(self, table: str) -> Write:
        clauses = [("SET", self._sets), ("ADD", self._adds), ("REMOVE", self._removes)]
        return update(
            table,
            usage_key(self._posting.subject),
            " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses if parts),
            " AND ".join(self._conditions),
            names=self._names,
            values=self._values,
        )

    def _keep_plan(self) -> None:
        """Only while the subject counts under the tier that was seen, so that a move is told of exactly once."""
        if self._posting.seen.plan == self._values[":plan"]:
            self._conditions.append("#plan = :plan")
        else:
            self._sets.append("#plan = :plan")
            self._conditions.append("#plan = :plan_before")
            self._values[":plan_before"] = self._posting.seen.plan

    def _add(self, short: str, attribute: str, amount: int) -> None:
        self._names[f"#{short}"] = attribute
        self._values[f":more_{short}"] = amount
        self._adds.append(f"#{short} :more_{short}")

    def _bind(self, short: str, count: int | None) -> None:
        if count is not None:
            self._values[f":seen_{short}"] = count
            self._conditions.append(f"#{short} {'=' if self._exactly else '<='} :seen_{short}")

"""The one conditional write that decides and counts: an update of a usage item, in words and values.

Called by shared.metering.ledger. Nearly all writes of a day are worded alike, so the words are made once for each shape
that a write can have; what differs from call to call is in the values.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from msgspec import Struct

from shared.adapters.dynamodb import WireValue, Wording, Write, to_wire, wire, worded
from shared.domain.periods import Month, timestamp
from shared.metering.usage_item import ENOUGH_WRITERS, Posting, day_name, superseded, usage_key

KEPT_AFTER_MONTH = timedelta(days=400)
PAST_KEPT_DAYS = 2  # so long into a month its item also has the writers of the month before
SHAPES = 4_000


class _Start(Struct, frozen=True, gc=False):
    """The first write of a month: of a subject that is new, or that was seen in an earlier month."""

    first: bool


class _More(Struct, frozen=True, gc=False):
    """A write in a month that has begun. `exactly` where it may only happen on the very counts that were seen."""

    exactly: bool
    writer: str
    writer_known: bool
    day: str
    day_known: bool
    moves: bool  # to another tier
    starts_minute: bool
    units_bound: bool
    calls_bound: bool
    removed: tuple[str, ...]  # writers
    removes_past: bool

    @property
    def steady(self) -> bool:
        """Whether it changes nothing but counts, and so its answer needs to tell nothing else.

        The others, one a day at least, tell all: so this process hears of other writers in time to remove them.
        """
        return self.writer_known and self.day_known and not (self.moves or self.removed or self.removes_past)


def usage_write(table: str, posting: Posting, *, exactly: bool = False) -> Write:
    """The write that a posting is; `exactly` as a part of a transaction whose answers must hold."""
    key = usage_key(posting.subject)
    if posting.starts_month:
        return worded(table, key, _start_words(_Start(posting.seen.usage is None)), wire(_start_values(posting)))
    shape = _shape(posting, exactly=exactly)
    return worded(table, key, _more_words(shape), _more_values(posting, shape))


def _shape(posting: Posting, *, exactly: bool) -> _More:
    seen, planned, stamp = posting.seen, posting.planned, posting.stamp
    writer, day = stamp.writer, day_name(stamp.day)
    return _More(
        exactly,
        writer,
        writer in seen.writers,
        day,
        day in seen.days,
        seen.plan != planned.quota.plan,
        seen.usage is not None and seen.usage.minute < planned.before.minute,
        exactly or planned.units_room is not None,
        exactly or planned.calls_room is not None,
        superseded(posting) if len(seen.writers) >= ENOUGH_WRITERS else (),
        bool(seen.past) and stamp.day.day > PAST_KEPT_DAYS,
    )


@dataclass(slots=True)
class _Words:
    """An update, put together."""

    sets: list[str]
    names: dict[str, str]
    conditions: list[str]
    adds: list[str] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)

    def wording(self, *, brief: bool = False) -> Wording:
        clauses = [("SET", self.sets), ("ADD", self.adds), ("REMOVE", self.removes)]
        text = " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses if parts)
        return Wording(text, " AND ".join(self.conditions), self.names, brief)


@lru_cache
def _start_words(shape: _Start) -> Wording:
    names = {"#plan": "plan", "#updated": "lastUpdated", "#writers": "writers", "#days": "days"}
    names |= {"#period": "periodStart", "#end": "periodEnd", "#expires": "expiresAt"}
    names |= {"#used": "usageCount", "#minute": "minute", "#calls": "minuteCalls"}
    sets = [f"{name} = :{name[1:]}" for name in names]
    if shape.first:
        return _Words(sets, names, ["attribute_not_exists(#period)"]).wording()
    sets.append("#past = #writers")  # the month before may still have to be recounted
    return _Words(sets, names | {"#past": "past"}, ["#period < :period"]).wording()


def _start_values(posting: Posting) -> dict[str, Any]:
    after, stamp = posting.planned.after, posting.stamp
    start, end = after.month.texts
    return {
        ":plan": posting.planned.quota.plan,
        ":updated": timestamp(posting.planned.now),
        ":writers": {stamp.writer: posting.entry},
        ":days": {day_name(stamp.day): after.used},
        ":period": start,
        ":end": end,
        ":expires": int((after.month.end + KEPT_AFTER_MONTH).timestamp()),
        ":used": after.used,
        ":minute": after.minute,
        ":calls": after.calls,
    }


@lru_cache(SHAPES)
def _more_words(shape: _More) -> Wording:
    words = _Words(
        ["#updated = :updated", "#writers.#own = :own"],
        {"#updated": "lastUpdated", "#period": "periodStart", "#plan": "plan", "#used": "usageCount"}
        | {"#minute": "minute", "#calls": "minuteCalls", "#writers": "writers", "#own": shape.writer}
        | {"#days": "days", "#day": shape.day},
        ["#period = :period"],
        ["#used :more_used"],
    )
    _word_month(shape, words)
    _word_minute(shape, words)
    _word_writers(shape, words)
    return words.wording(brief=shape.steady)


def _word_month(shape: _More, words: _Words) -> None:
    if shape.units_bound:
        words.conditions.append(f"#used {'=' if shape.exactly else '<='} :seen_used")
    # Only while the subject counts under the tier that was seen, so that a move is told of exactly once.
    if shape.moves:
        words.sets.append("#plan = :plan")
        words.conditions.append("#plan = :plan_before")
    else:
        words.conditions.append("#plan = :plan")
    if shape.day_known:
        words.sets.append("#days.#day = #days.#day + :more_used")
    else:
        words.sets.append("#days.#day = :more_used")
        words.conditions.append("attribute_not_exists(#days.#day)")


def _word_minute(shape: _More, words: _Words) -> None:
    if shape.starts_minute:
        words.sets += ["#minute = :minute", "#calls = :calls"]
        words.conditions.append("#minute < :minute")
        return
    words.adds.append("#calls :more_calls")
    words.conditions.append("#minute = :minute")
    if shape.calls_bound:
        words.conditions.append(f"#calls {'=' if shape.exactly else '<='} :seen_calls")


def _word_writers(shape: _More, words: _Words) -> None:
    """Only after this process's own last write that is known, whose trace this one's replaces."""
    if shape.writer_known:
        words.conditions.append("#writers.#own = :own_before")
    else:
        words.conditions.append("attribute_not_exists(#writers.#own)")
    for index, name in enumerate(shape.removed):
        words.names[f"#gone{index}"] = name
        words.removes.append(f"#writers.#gone{index}")
    if shape.removes_past:
        words.names["#past"] = "past"
        words.removes.append("#past")


@lru_cache
def _when(month: Month, minute: int) -> tuple[WireValue, WireValue]:
    return {"S": month.texts[0]}, {"N": str(minute)}


def _more_values(posting: Posting, shape: _More) -> dict[str, WireValue]:
    """Exactly the values that the words of this shape name: the store refuses a value that none does."""
    planned, seen = posting.planned, posting.seen
    before, after = planned.before, planned.after
    period, minute = _when(after.month, after.minute)
    values: dict[str, WireValue] = {
        ":updated": {"S": timestamp(planned.now)},
        ":own": {"S": posting.entry},
        ":period": period,
        ":more_used": {"N": str(after.used - before.used)},
        ":plan": {"S": planned.quota.plan},
        ":minute": minute,
    }
    if shape.units_bound:
        values[":seen_used"] = {"N": str(before.used if shape.exactly else planned.units_room)}
    if shape.moves:
        values[":plan_before"] = to_wire(seen.plan)
    if shape.starts_minute:
        values[":calls"] = {"N": str(after.calls)}
    else:
        values[":more_calls"] = {"N": str(after.calls - before.calls)}
        if shape.calls_bound:
            values[":seen_calls"] = {"N": str(before.calls if shape.exactly else planned.calls_room)}
    if shape.writer_known:
        values[":own_before"] = to_wire(seen.entry_of(shape.writer))
    return values

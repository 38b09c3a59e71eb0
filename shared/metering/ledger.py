"""The counter's items in the store: their shape, and the one conditional write that decides and counts.

An item holds a subject's month (`periodStart`, `usageCount`), minute (`minute`, `minuteCalls`) and, for each process
that has written it, the number of its last write (`writers`). That number makes a write safe to send again: it is a
condition on the number before it, so of two attempts at the same calls only one can happen, and the item says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.dynamodb import Dynamo, Item, Write, put, update
from shared.domain.periods import Month, timestamp
from shared.domain.quota import Decision, Quota, Usage, Verdict
from shared.metering.plan import Plan

KEPT_AFTER_MONTH = timedelta(days=400)
MARKER_KEPT = timedelta(hours=24)
MAX_WRITERS = 16  # the oldest beyond these belong to processes that are long gone


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds for a subject, as last seen. `usage` is None where there is no item yet."""

    usage: Usage | None = None
    writers: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_item(cls, item: Item | None) -> "Stored":
        if item is None:
            return cls()
        month = Month.parse(item["periodStart"][:7])
        return cls(Usage(month, item["usageCount"], item["minute"], item["minuteCalls"]), item["writers"])


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who writes: a process's name (older processes sort first) and the number of this write."""

    writer: str
    number: int


@dataclass(frozen=True, slots=True)
class Marker:
    """The stored answer to a call that came with an Idempotency-Key (`key_hash`, `fingerprint`: hex SHA-256)."""

    key_hash: str
    fingerprint: str
    decision: Decision


def usage_key(subject: str) -> dict[str, str]:
    return {"pk": subject, "sk": "usage"}


def marker_key(subject: str, key_hash: str) -> dict[str, str]:
    return {"pk": f"idempotency:{subject}:{key_hash}", "sk": "idempotency"}


class Ledger:
    """The usage items and markers of one table."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def load(self, subject: str) -> Stored:
        return Stored.from_item(await self._dynamo.get(self._table, usage_key(subject)))

    async def count(self, subject: str, seen: Stored, planned: Plan, stamp: Stamp, now: datetime) -> Stored:
        """Add the plan's admitted calls; answers what stands then. Raises ConditionFailed where they do not fit."""
        return Stored.from_item(await self._dynamo.write(self._usage_write(subject, seen, planned, stamp, now)))

    async def count_marked(
        self, subject: str, seen: Stored, planned: Plan, stamp: Stamp, now: datetime, markers: Sequence[Marker]
    ) -> Stored:
        """The same in one transaction with the markers, whose answers must hold: so on exactly the usage seen.

        Raises TransactionCancelled; its first reason is the usage's, the others are the markers' in order.
        """
        usage_write = self._usage_write(subject, seen, planned, stamp, now, exactly=True)
        marker_writes = [self._marker_write(subject, marker, now) for marker in markers]
        await self._dynamo.transact([usage_write, *marker_writes])
        return Stored(planned.after, _with_stamp(seen, planned, stamp))

    async def marker(self, subject: str, key_hash: str, now: datetime) -> Marker | None:
        """The answer stored under a key, unless its 24 hours are over."""
        item = await self._dynamo.get(self._table, marker_key(subject, key_hash))
        return None if item is None or item["expiresAt"] <= now.timestamp() else marker_from_item(item)

    def _usage_write(
        self, subject: str, seen: Stored, planned: Plan, stamp: Stamp, now: datetime, *, exactly: bool = False
    ) -> Write:
        writing = _UsageWrite(planned, stamp, now)
        if seen.usage is None or seen.usage.month < planned.before.month:
            writing.start_month(first=seen.usage is None)
        else:
            writing.add_to_month(exactly=exactly)
            if seen.usage.minute < planned.before.minute:
                writing.start_minute()
            else:
                writing.add_to_minute(exactly=exactly)
            writing.follow(seen.writers)
        return writing.request(self._table, subject)

    def _marker_write(self, subject: str, marker: Marker, now: datetime) -> Write:
        item = marker_key(subject, marker.key_hash) | marker_to_item(marker, now)
        return put(
            self._table,
            item,
            "attribute_not_exists(pk) OR #expires <= :now",
            names={"#expires": "expiresAt"},
            values={":now": int(now.timestamp())},
        )


class _UsageWrite:
    """One update of a usage item, put together: what to set, to add, to remove, and on which conditions."""

    def __init__(self, planned: Plan, stamp: Stamp, now: datetime) -> None:
        self._planned = planned
        self._stamp = stamp
        self._sets = ["#plan = :plan", "#updated = :updated"]
        self._adds: list[str] = []
        self._removes: list[str] = []
        self._conditions: list[str] = []
        self._names = {"#plan": "plan", "#updated": "lastUpdated", "#period": "periodStart"}
        self._values: dict[str, Any] = {
            ":plan": next(one.quota.plan for one in reversed(planned.decisions) if one.admitted),
            ":updated": timestamp(now),
            ":period": timestamp(planned.after.month.start),
            ":number": stamp.number,
        }

    def start_month(self, *, first: bool) -> None:
        after = self._planned.after
        self._conditions.append("attribute_not_exists(#period)" if first else "#period < :period")
        self._names |= {"#end": "periodEnd", "#expires": "expiresAt", "#writers": "writers"}
        self._names |= {"#used": "usageCount", "#minute": "minute", "#calls": "minuteCalls"}
        self._values |= {
            ":end": timestamp(after.month.end),
            ":expires": int((after.month.end + KEPT_AFTER_MONTH).timestamp()),
            ":writers": {self._stamp.writer: self._stamp.number},
            ":used": after.used,
            ":minute": after.minute,
            ":calls": after.calls,
        }
        del self._values[":number"]
        self._sets += ["#period = :period", "#end = :end", "#expires = :expires", "#writers = :writers"]
        self._sets += ["#used = :used", "#minute = :minute", "#calls = :calls"]

    def add_to_month(self, *, exactly: bool) -> None:
        self._conditions.append("#period = :period")
        self._add("used", "usageCount", self._planned.units)
        self._bind("used", self._planned.before.used if exactly else self._planned.units_room, exactly=exactly)

    def start_minute(self) -> None:
        self._names |= {"#minute": "minute", "#calls": "minuteCalls"}
        self._values |= {":minute": self._planned.after.minute, ":calls": self._planned.after.calls}
        self._conditions.append("#minute < :minute")
        self._sets += ["#minute = :minute", "#calls = :calls"]

    def add_to_minute(self, *, exactly: bool) -> None:
        self._names["#minute"] = "minute"
        self._values[":minute"] = self._planned.after.minute
        self._conditions.append("#minute = :minute")
        self._add("calls", "minuteCalls", self._planned.calls)
        self._bind("calls", self._planned.before.calls if exactly else self._planned.calls_room, exactly=exactly)

    def follow(self, writers: Mapping[str, int]) -> None:
        """Only after this process's own last write that is known, and leave a trace of this one."""
        own = self._stamp.writer
        self._names |= {"#writers": "writers", "#own": own}
        self._sets.append("#writers.#own = :number")
        if own in writers:
            self._conditions.append("#writers.#own = :last")
            self._values[":last"] = writers[own]
        else:
            self._conditions.append("attribute_not_exists(#writers.#own)")
        others = sorted(name for name in writers if name != own)
        for index, name in enumerate(others[: max(0, len(others) + 1 - MAX_WRITERS)]):
            self._names[f"#gone{index}"] = name
            self._removes.append(f"#writers.#gone{index}")

    def request(self, table: str, subject: str) -> Write:
        clauses = [("SET", self._sets), ("ADD", self._adds), ("REMOVE", self._removes)]
        return update(
            table,
            usage_key(subject),
            " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses if parts),
            " AND ".join(self._conditions),
            names=self._names,
            values=self._values,
        )

    def _add(self, short: str, attribute: str, amount: int) -> None:
        self._names[f"#{short}"] = attribute
        self._values[f":more_{short}"] = amount
        self._adds.append(f"#{short} :more_{short}")

    def _bind(self, short: str, count: int | None, *, exactly: bool) -> None:
        if count is not None:
            self._values[f":seen_{short}"] = count
            self._conditions.append(f"#{short} {'=' if exactly else '<='} :seen_{short}")


def _with_stamp(seen: Stored, planned: Plan, stamp: Stamp) -> dict[str, int]:
    fresh = seen.usage is None or seen.usage.month < planned.after.month
    return ({} if fresh else dict(seen.writers)) | {stamp.writer: stamp.number}


def marker_to_item(marker: Marker, now: datetime) -> Item:
    quota, usage = marker.decision.quota, marker.decision.usage
    return {
        "fingerprint": marker.fingerprint,
        "plan": quota.plan,
        "limit": quota.limit,
        "ratePerMinute": quota.rate_per_minute,
        "month": str(usage.month),
        "usageCount": usage.used,
        "minute": usage.minute,
        "minuteCalls": usage.calls,
        "expiresAt": int((now + MARKER_KEPT).timestamp()),
    }


def marker_from_item(item: Mapping[str, Any]) -> Marker:
    quota = Quota(item["plan"], item["limit"], item["ratePerMinute"])
    usage = Usage(Month.parse(item["month"]), item["usageCount"], item["minute"], item["minuteCalls"])
    key_hash = item["pk"].rpartition(":")[2]
    return Marker(key_hash, item["fingerprint"], Decision(quota, usage, Verdict.ADMITTED))

"""The counter's items in the store: the usage items, and the markers of calls that came with an Idempotency-Key.

Called by shared.metering.settlement. The shape of a usage item is shared.metering.usage_item's. A marker is written in
one transaction with the count it belongs to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.adapters.dynamodb import Awaits, Dynamo, Item, Write, outcome_unknown, put
from shared.domain.periods import Month
from shared.domain.quota import Decision, Quota, Usage, Verdict
from shared.metering.usage_item import Posting, Stored, usage_key
from shared.metering.usage_write import usage_write

MARKER_KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Marker:
    """The stored answer to a call that came with an Idempotency-Key (`key_hash`, `fingerprint`: hex SHA-256)."""

    key_hash: str
    fingerprint: str
    decision: Decision


def marker_key(subject: str, key_hash: str) -> dict[str, str]:
    return {"pk": f"idempotency:{subject}:{key_hash}", "sk": "idempotency"}


class Ledger:
    """The usage items and markers of one table."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def load(self, subject: str) -> Stored:
        return Stored.from_item(await self._dynamo.get(self._table, usage_key(subject)))

    async def count(self, posting: Posting) -> Stored:
        """Add the plan's admitted calls; answers what stands then. Raises ConditionFailed where they do not fit."""
        answered = await self._dynamo.write_with_others(usage_write(self._table, posting))
        stored = posting.answered(answered.wired)
        if stored is None:
            raise outcome_unknown()
        return stored

    def post(self, posting: Posting, awaits: Awaits) -> bool:
        """The same with others' writes, told of when it has ended; False where this store takes none together."""
        return self._dynamo.post_with_others(partial(usage_write, self._table, posting), awaits)

    async def count_marked(self, posting: Posting, markers: Sequence[Marker]) -> Stored:
        """The same in one transaction with the markers, whose answers must hold: so on exactly the usage seen.

        Raises TransactionCancelled; its first reason is the usage's, the others are the markers' in order.
        """
        marker_writes = [self._marker_write(posting.subject, marker, posting.planned.now) for marker in markers]
        await self._dynamo.transact([usage_write(self._table, posting, exactly=True), *marker_writes])
        return posting.after()

    async def marker(self, subject: str, key_hash: str, now: datetime) -> Marker | None:
        """The answer stored under a key, unless its 24 hours are over."""
        item = await self._dynamo.get(self._table, marker_key(subject, key_hash))
        return None if item is None or item["expiresAt"] <= now.timestamp() else marker_from_item(item)

    def _marker_write(self, subject: str, marker: Marker, now: datetime) -> Write:
        item = marker_key(subject, marker.key_hash) | marker_to_item(marker, now)
        return put(
            self._table,
            item,
            "attribute_not_exists(pk) OR #expires <= :now",
            names={"#expires": "expiresAt"},
            values={":now": int(now.timestamp())},
        )


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

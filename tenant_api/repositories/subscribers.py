"""Who subscribes to a platform, and for how much: `subscribers:{platformId}` / userId in tenant-tokens.

Written in the same transaction as the billing record it repeats (`beside`, given to shared.billing.records), so the
two never differ. One Query tells a platform's subscribers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.dynamodb import Dynamo, Write, delete, put
from shared.billing.records import BillingRecord
from tenant_api import subjects

MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An end-user's current subscription, as their billing record has it."""

    user_id: str
    record: BillingRecord

    @property
    def status(self) -> str | None:
        return self.record.status

    @property
    def counts_as_recurring(self) -> bool:
        """What is on trial is not charged yet."""
        return self.record.status != "trialing" and self.record.amount is not None

    @property
    def twelfths(self) -> int:
        """What is paid a month, in twelfths of a minor unit, so that a year's price divides."""
        return (self.record.amount or 0) * 12 // MONTHS.get(self.record.interval or "month", 1)

    def plan_at(self, now: datetime) -> str | None:
        return self.record.plan_at(now)


class Subscribers:
    """The subscribers of platforms."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    def beside(self, record: BillingRecord) -> Sequence[Write]:
        """What is written together with a record."""
        platform_id, user_id = subjects.parts(record.subject)
        if record.subscription_id is None:
            return [delete(self._table, _key(platform_id, user_id))]
        return [put(self._table, _key(platform_id, user_id) | record.to_item())]

    async def find(self, platform_id: str, user_id: str) -> Subscriber | None:
        item = await self._dynamo.get(self._table, _key(platform_id, user_id))
        return None if item is None else _from_item(item)

    async def some(self, platform_id: str, user_ids: Sequence[str]) -> dict[str, Subscriber]:
        """Those of the end-users who subscribe, by user id."""
        keys = [_key(platform_id, user_id) for user_id in dict.fromkeys(user_ids)]
        found = [_from_item(item) for item in await self._dynamo.get_many(self._table, keys)]
        return {one.user_id: one for one in found}

    async def listed(self, platform_id: str, after: str | None = None, limit: int | None = None) -> list[Subscriber]:
        """In order of their ids."""
        items = await self._dynamo.query(
            self._table, f"subscribers:{platform_id}", after=after, limit=limit, consistent=False
        )
        return [_from_item(item) for item in items]


def _key(platform_id: str, user_id: str) -> dict[str, str]:
    return {"pk": f"subscribers:{platform_id}", "sk": user_id}


def _from_item(item: Mapping[str, Any]) -> Subscriber:
    platform_id, user_id = str(item["pk"]).partition(":")[2], str(item["sk"])
    return Subscriber(user_id, BillingRecord.from_item(subjects.subject(platform_id, user_id), item))

"""What is known to be paid, one record a subject: the authority for the plan that is enforced.

A subject is a developer (`user_…`) or an end-user of a platform (`plt_…:id`). shared.billing.sync writes the records
from Stripe's current subscriptions, the services' entitlements read them. Items: `user:{subject}` / `billing`,
`customer:{account}:{customerId}` / `customer` (whose customer it is), `billing:{digit}` / subject (the listing). Who
was erased has left `accounting:{account}:{customerId}` / `billing` (infra/data/erasing.py) of each customer they were.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.adapters.dynamodb import ConditionFailed, Dynamo, Item, TransactionCancelled, Write, check, put, update

OWN_ACCOUNT = "own"
SHARDS = 16


@dataclass(frozen=True, slots=True)
class BillingRecord:
    """One subject's billing. `plan` is what is bought, until `paid_until` (Unix seconds; None: no end in sight).

    `amount` (minor units of `currency`) is what is paid each `interval`.
    `told` is the version that the subject's Clerk metadata was last brought to. `looks` counts the looks at Stripe
    that ended in this version or found it true, so that a look that took longer than another can't undo it.
    """

    subject: str
    account: str
    customer_id: str
    version: int = 1
    told: int = 0
    looks: int = 0
    plan: str | None = None
    paid_until: int | None = None
    subscription_id: str | None = None
    status: str | None = None
    price_id: str | None = None
    period_end: int | None = None
    cancel_at: int | None = None
    amount: int | None = None
    currency: str | None = None
    interval: str | None = None

    def plan_at(self, now: datetime) -> str | None:
        """The plan that is paid for at an instant, None when none is."""
        ended = self.paid_until is not None and now.timestamp() >= self.paid_until
        return None if ended else self.plan

    def to_item(self) -> Item:
        values = {name: getattr(self, attribute) for attribute, name in _ATTRIBUTES.items()}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_item(cls, subject: str, item: Mapping[str, Any]) -> "BillingRecord":
        values: dict[str, Any] = {attribute: item.get(name) for attribute, name in _ATTRIBUTES.items()}
        return cls(subject, **values)

    def says_the_same(self, other: "BillingRecord") -> bool:
        """Whether only the bookkeeping differs."""
        return replace(self, version=0, told=0, looks=0) == replace(other, version=0, told=0, looks=0)


_ATTRIBUTES = {
    "account": "account",
    "customer_id": "customerId",
    "version": "version",
    "told": "toldVersion",
    "looks": "looks",
    "plan": "plan",
    "paid_until": "paidUntil",
    "subscription_id": "subscriptionId",
    "status": "status",
    "price_id": "priceId",
    "period_end": "periodEnd",
    "cancel_at": "cancelAt",
    "amount": "amount",
    "currency": "currency",
    "interval": "interval",
}

Beside = Callable[[BillingRecord], Sequence[Write]]


def nothing_beside(_record: BillingRecord) -> Sequence[Write]:
    return ()


class BillingRecords:
    """The records of one service's subjects, in its own tokens table.

    `beside` says what is written in the same transaction as a record.
    """

    def __init__(self, dynamo: Dynamo, table: str, beside: Beside = nothing_beside) -> None:
        self._dynamo = dynamo
        self._table = table
        self._beside = beside

    async def find(self, subject: str) -> BillingRecord | None:
        item = await self._dynamo.get(self._table, _key(subject))
        return None if item is None else BillingRecord.from_item(subject, item)

    async def subject_of(self, account: str, customer_id: str) -> str | None:
        """Whose customer this is on that account."""
        item = await self._dynamo.get(self._table, _customer_key(account, customer_id))
        return None if item is None else str(item["subject"])

    async def create(self, record: BillingRecord) -> BillingRecord:
        """Store a subject's first record; answers the one that stands there when another was faster."""
        try:
            await self._dynamo.transact(self._first(record))
        except TransactionCancelled:
            found = await self.find(record.subject)
            if found is not None:
                return found
            raise
        return record

    async def adopt(self, record: BillingRecord) -> BillingRecord | None:
        """As create, for a customer whom an event has named; None for one of somebody who was erased.

        That is decided by the transaction itself, so a late event can't bring back who is erased meanwhile.
        """
        kept = _erased_key(record.account, record.customer_id)
        if await self._dynamo.get(self._table, kept) is not None:
            return None
        try:
            await self._dynamo.transact([*self._first(record), check(self._table, kept, "attribute_not_exists(pk)")])
        except TransactionCancelled:
            if await self._dynamo.get(self._table, kept) is not None:
                return None
            found = await self.find(record.subject)
            if found is not None:
                return found
            raise
        return record

    def _first(self, record: BillingRecord) -> list[Write]:
        return [
            put(self._table, _key(record.subject) | record.to_item(), "attribute_not_exists(pk)"),
            put(self._table, _customer_key(record.account, record.customer_id) | {"subject": record.subject}),
            put(self._table, {"pk": _listing(record.subject), "sk": record.subject}),
            *self._beside(record),
        ]

    async def replace(self, seen: BillingRecord, after: BillingRecord) -> bool:
        """Store the next version; False when the record is no longer as seen, or was found true by another look."""
        stored = replace(after, looks=seen.looks + 1)
        record = put(
            self._table,
            _key(after.subject) | stored.to_item(),
            "#version = :seen AND #looks = :looks",
            names={"#version": "version", "#looks": "looks"},
            values={":seen": seen.version, ":looks": seen.looks},
        )
        try:
            beside = list(self._beside(stored))
            if after.customer_id != seen.customer_id:
                owner = _customer_key(after.account, after.customer_id) | {"subject": after.subject}
                beside.append(put(self._table, owner))
            if beside:
                await self._dynamo.transact([record, *beside])
            else:
                await self._dynamo.write(record)
        except (ConditionFailed, TransactionCancelled):
            return False
        return True

    async def found_true(self, seen: BillingRecord) -> bool:
        """Note a look that changed nothing; False when the record is no longer at the version seen."""
        write = update(
            self._table,
            _key(seen.subject),
            "ADD #looks :one",
            "#version = :seen",
            names={"#version": "version", "#looks": "looks"},
            values={":seen": seen.version, ":one": 1},
        )
        try:
            await self._dynamo.write(write)
        except ConditionFailed:
            return False
        return True

    async def mark_told(self, record: BillingRecord) -> bool:
        """Note that Clerk knows this version; False when the record has moved on and must be told again."""
        write = update(
            self._table,
            _key(record.subject),
            "SET #told = :version",
            "#version = :version",
            names={"#told": "toldVersion", "#version": "version"},
            values={":version": record.version},
        )
        try:
            await self._dynamo.write(write)
        except ConditionFailed:
            return False
        return True

    async def listed(self, shard: int, after: str | None, limit: int) -> list[str]:
        """The next subjects of one of the 16 parts of the listing, in order."""
        items = await self._dynamo.query(self._table, f"billing:{shard:x}", after=after, limit=limit)
        return [item["sk"] for item in items]


def _key(subject: str) -> dict[str, str]:
    return {"pk": f"user:{subject}", "sk": "billing"}


def _customer_key(account: str, customer_id: str) -> dict[str, str]:
    return {"pk": f"customer:{account}:{customer_id}", "sk": "customer"}


def _erased_key(account: str, customer_id: str) -> dict[str, str]:
    return {"pk": f"accounting:{account}:{customer_id}", "sk": "billing"}


def _listing(subject: str) -> str:
    return f"billing:{hashlib.sha256(subject.encode()).hexdigest()[0]}"

"""What end-users have paid a platform, month by month: `revenue:{platformId}` / `{month}#{currency}` in tenant-usage.

An invoice is added once, in one transaction with a marker of its own (`invoice:{account}:{id}`, kept 400 days); a
refund is taken off in the same way (`refund:{account}:{id}`), and added again at most once, when it has failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.adapters.dynamodb import ConditionFailed, Dynamo, Item, TransactionCancelled, Write, put, update
from shared.domain.errors import Unavailable
from shared.domain.periods import Month

KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Revenue:
    """What was paid in a UTC month less what was given back in it, in minor units."""

    month: Month
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Payment:
    """One paid invoice of a connected account. `paid_at` is Unix seconds."""

    account_id: str
    invoice_id: str
    amount_minor: int
    currency: str
    paid_at: int


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund of a connected account. One that does not stand has failed, which is never undone."""

    account_id: str
    refund_id: str
    amount_minor: int
    currency: str
    made_at: int
    stands: bool


class RevenueRows:
    """The sums of platforms."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def of_platform(self, platform_id: str) -> list[Revenue]:
        items = await self._dynamo.query(self._table, f"revenue:{platform_id}", consistent=False)
        found = [(str(item["sk"]).partition("#"), int(item["amount"])) for item in items]
        return [Revenue(Month.parse(month), currency, amount) for (month, _, currency), amount in found]

    async def add(self, platform_id: str, payment: Payment) -> bool:
        """Add what was paid; False when this invoice is in already. Raises Unavailable, and may be tried again."""
        paid_at = datetime.fromtimestamp(payment.paid_at, UTC)
        marker = _invoice_key(payment.account_id, payment.invoice_id) | _expires(paid_at)
        added = self._added(platform_id, paid_at, payment.currency, payment.amount_minor)
        return await self._together(put(self._table, marker, "attribute_not_exists(pk)"), added)

    async def give_back(self, platform_id: str, refund: GivenBack) -> bool:
        """Take a refund off, or add it again when it has failed; False when that is done already.

        Raises Unavailable, and may be tried again.
        """
        key, made_at = _refund_key(refund.account_id, refund.refund_id), datetime.fromtimestamp(refund.made_at, UTC)
        marker = put(self._table, key | _expires(made_at) | {"stands": refund.stands}, "attribute_not_exists(pk)")
        if refund.stands:
            taken = self._added(platform_id, made_at, refund.currency, -refund.amount_minor)
            return await self._together(marker, taken)
        try:
            await self._dynamo.write(marker)  # never taken off, and never will be
        except ConditionFailed:
            values, names = {":yes": True, ":no": False}, {"#stands": "stands"}
            fallen = update(self._table, key, "SET #stands = :no", "#stands = :yes", names=names, values=values)
            again = self._added(platform_id, made_at, refund.currency, refund.amount_minor)
            return await self._together(fallen, again)
        return False

    async def counted(self, account_id: str, invoice_ids: Sequence[str]) -> set[str]:
        """Those of the invoices that are in."""
        markers = await self._marked([_invoice_key(account_id, one) for one in invoice_ids])
        return set(markers)

    async def given_back(self, account_id: str, refund_ids: Sequence[str]) -> dict[str, bool]:
        """Those of the refunds that are known, and whether they were last known to stand."""
        markers = await self._marked([_refund_key(account_id, one) for one in refund_ids])
        return {refund_id: bool(item["stands"]) for refund_id, item in markers.items()}

    async def _marked(self, keys: list[dict[str, str]]) -> dict[str, Item]:
        items = await self._dynamo.get_many(self._table, keys, consistent=True)
        return {str(item["pk"]).rpartition(":")[2]: item for item in items}

    def _added(self, platform_id: str, at: datetime, currency: str, amount_minor: int) -> Write:
        month = {"pk": f"revenue:{platform_id}", "sk": f"{Month.of(at)}#{currency}"}
        return update(
            self._table, month, "ADD #amount :more", names={"#amount": "amount"}, values={":more": amount_minor}
        )

    async def _together(self, marker: Write, added: Write) -> bool:
        try:
            await self._dynamo.transact([marker, added])
        except TransactionCancelled as cancelled:
            if cancelled.conflict:
                message = "This payment collides with another; deliver it again."
                raise Unavailable(message, retry_after_seconds=1) from cancelled
            return False
        return True


def _invoice_key(account_id: str, invoice_id: str) -> dict[str, str]:
    return {"pk": f"invoice:{account_id}:{invoice_id}", "sk": "invoice"}


def _refund_key(account_id: str, refund_id: str) -> dict[str, str]:
    return {"pk": f"refund:{account_id}:{refund_id}", "sk": "refund"}


def _expires(at: datetime) -> dict[str, int]:
    return {"expiresAt": int((at + KEPT).timestamp())}

"""What end-users have paid a platform, month by month: `revenue:{platformId}` / `{month}#{currency}` in tenant-usage.

An invoice is added once, in one transaction with a marker of its own (`invoice:{account}:{id}`, kept 400 days).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.adapters.dynamodb import Dynamo, TransactionCancelled, put, update
from shared.domain.errors import Unavailable
from shared.domain.periods import Month

KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Revenue:
    """What was paid in a UTC month, in minor units."""

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
        marker = {"pk": f"invoice:{payment.account_id}:{payment.invoice_id}", "sk": "invoice"}
        month = {"pk": f"revenue:{platform_id}", "sk": f"{Month.of(paid_at)}#{payment.currency}"}
        expires = {"expiresAt": int((paid_at + KEPT).timestamp())}
        add = update(
            self._table, month, "ADD #amount :more", names={"#amount": "amount"}, values={":more": payment.amount_minor}
        )
        try:
            await self._dynamo.transact([put(self._table, marker | expires, "attribute_not_exists(pk)"), add])
        except TransactionCancelled as cancelled:
            if cancelled.conflict:
                message = "This payment collides with another; deliver it again."
                raise Unavailable(message, retry_after_seconds=1) from cancelled
            return False
        return True

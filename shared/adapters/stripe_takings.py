"""What a connected account has taken, as Stripe tells it: paid invoices, and refunds of their charges.

tenant_api's takings.py calls it through `StripeGateway.takings`. Reading only.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import stripe

from shared.adapters.stripe_client import PAGE, asked, missing, options

GONE = frozenset({"failed", "canceled"})
NOT_YET = "requires_action"


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """Amounts are in minor units of the currency, times in Unix seconds."""

    id: str
    customer_id: str | None
    amount: int
    currency: str
    paid_at: int

    @classmethod
    def from_json(cls, invoice: Mapping[str, Any], otherwise_paid_at: int) -> "PaidInvoice":
        paid_at = (invoice.get("status_transitions") or {}).get("paid_at") or otherwise_paid_at
        amount, currency = int(invoice.get("amount_paid") or 0), str(invoice.get("currency"))
        return cls(str(invoice["id"]), invoice.get("customer"), amount, currency, int(paid_at))


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back, or under way, while it `stands`: a bank may still refuse it."""

    id: str
    amount: int
    currency: str
    created: int
    stands: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """Whose charge was refunded. `payment_intent` leads to the invoice, where it was for one."""

    customer_id: str | None
    payment_intent: str | None


class AccountTakings:
    """One account. Raises NotConnected or Unavailable."""

    def __init__(self, client: stripe.StripeClient, account_id: str) -> None:
        self._v1: Any = client.v1
        self.account_id = account_id

    async def invoices(self, since: int) -> AsyncIterator[list[PaidInvoice]]:
        """Pages of the paid invoices that were made since an instant, the newest first."""
        params = {"status": "paid", "created": {"gte": since}}
        async for page in self._pages(self._v1.invoices.list_async, params):
            yield [PaidInvoice.from_json(one, int(one["created"])) for one in page]

    async def refunds(self, since: int) -> AsyncIterator[list[tuple[Refund, Charge]]]:
        """Pages of the refunds that were made since an instant."""
        params = {"created": {"gte": since}, "expand": ["data.charge"]}
        async for page in self._pages(self._v1.refunds.list_async, params):
            known = [one for one in page if _made(one) and isinstance(one.get("charge"), Mapping)]
            yield [(_refund(one), _charge(one["charge"])) for one in known]

    async def refunds_of(self, charge_id: str) -> tuple[Charge | None, list[Refund]]:
        """All refunds of a charge as they are now; no charge where it is none of this account."""
        try:
            charge = await asked(self._v1.charges.retrieve_async(charge_id, {}, self._options), self.account_id)
        except stripe.InvalidRequestError as error:
            if missing(error):
                return None, []
            raise
        pages = self._pages(self._v1.refunds.list_async, {"charge": charge_id})
        return _charge(charge.to_dict()), [_refund(one) async for page in pages for one in page if _made(one)]

    async def paid_an_invoice(self, charge: Charge) -> bool:
        """Whether a charge was for an invoice; else it is of a sale that we know nothing of."""
        if charge.payment_intent is None:
            return False
        params = {"payment": {"type": "payment_intent", "payment_intent": charge.payment_intent}, "limit": 1}
        page = await asked(self._v1.invoice_payments.list_async(params, self._options), self.account_id)
        return bool(page.data)

    async def _pages(self, listing: Any, params: Mapping[str, Any]) -> AsyncIterator[list[Mapping[str, Any]]]:
        wanted = {**params, "limit": PAGE}
        while True:
            page = await asked(listing(wanted, self._options), self.account_id)
            rows = [one.to_dict() for one in page.data]
            yield rows
            if not page.has_more or not rows:
                return
            wanted = {**wanted, "starting_after": rows[-1]["id"]}

    @property
    def _options(self) -> Any:
        return options(self.account_id)


def _made(refund: Mapping[str, Any]) -> bool:
    """Not where somebody still has to agree to it."""
    return refund.get("status") != NOT_YET


def _refund(one: Mapping[str, Any]) -> Refund:
    stands = one.get("status") not in GONE
    return Refund(str(one["id"]), int(one["amount"]), str(one["currency"]), int(one["created"]), stands)


def _charge(one: Mapping[str, Any]) -> Charge:
    return Charge(one.get("customer"), one.get("payment_intent"))

"""What end-users have paid a platform and got back, month by month: each paid invoice and each refund counts once.

Called by stripe_events.py with what an event names, and by reconcile.py with what Stripe lists, for events that were
lost. A refund is taken off the month it was made in, whenever the invoice was paid, and put back if a bank refuses it.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

from shared.adapters.stripe_gateway import Event, StripeGateway
from shared.adapters.stripe_takings import AccountTakings, Charge, PaidInvoice, Refund
from shared.adapters.system import Clock
from shared.billing.reconcile import Finding
from shared.billing.records import BillingRecords
from tenant_api import subjects
from tenant_api.repositories.revenue import GivenBack, Payment, RevenueRows

INVOICE_PAID = "invoice.paid"
REFUNDS = frozenset({"charge.refunded", "refund.created", "refund.updated", "refund.failed"})
LOOKED_BACK = timedelta(days=35)  # an invoice may be paid weeks after it was made


class Takings:
    """The revenue of platforms, from the accounts they are connected to."""

    def __init__(self, gateway: StripeGateway, records: BillingRecords, revenue: RevenueRows, clock: Clock) -> None:
        self._gateway = gateway
        self._records = records
        self._revenue = revenue
        self._clock = clock

    async def paid(self, platform_id: str, account_id: str, event: Event) -> bool:
        """Count the invoice that an event is about, of a customer who is known to be the platform's."""
        if event.type != INVOICE_PAID or not event.object.get("amount_paid"):
            return False
        return await self._revenue.add(
            platform_id, _payment(account_id, PaidInvoice.from_json(event.object, event.created))
        )

    async def refunded(self, platform_id: str, account_id: str, event: Event) -> str:
        """Take off all refunds of the charge that an event names, as they are now; the outcome in a word."""
        charge_id = event.object.get("id") if event.object.get("object") == "charge" else event.object.get("charge")
        if charge_id is None:
            return "unknown_customer"
        takings = self._gateway.takings(account_id)
        charge, refunds = await takings.refunds_of(str(charge_id))
        if charge is None or await self._subject(platform_id, account_id, charge.customer_id) is None:
            return "unknown_customer"
        if not await takings.paid_an_invoice(charge):
            return "no_invoice"
        counted = [await self._revenue.give_back(platform_id, _given_back(account_id, one)) for one in refunds]
        return "applied" if any(counted) else "unchanged"

    async def missed(self, platform_id: str, account_id: str, *, dry: bool) -> AsyncIterator[Finding]:
        """What events did not tell of the last weeks, which is counted now unless dry. Raises NotConnected."""
        takings = self._gateway.takings(account_id)
        since = int((self._clock() - LOOKED_BACK).timestamp())
        async for invoices in takings.invoices(since):
            known = await self._revenue.counted(account_id, [one.id for one in invoices])
            for invoice in (one for one in invoices if one.amount and one.id not in known):
                found = await self._missed_invoice(platform_id, account_id, invoice, dry=dry)
                if found is not None:
                    yield found
        async for finding in self._missed_refunds(platform_id, takings, since, dry=dry):
            yield finding

    async def _missed_refunds(
        self, platform_id: str, takings: AccountTakings, since: int, *, dry: bool
    ) -> AsyncIterator[Finding]:
        async for refunds in takings.refunds(since):
            standing = await self._revenue.given_back(takings.account_id, [one.id for one, _ in refunds])
            for refund, charge in refunds:
                if refund.stands != standing.get(refund.id, False):
                    found = await self._missed_refund(platform_id, takings, refund, charge, dry=dry)
                    if found is not None:
                        yield found

    async def _missed_invoice(
        self, platform_id: str, account_id: str, invoice: PaidInvoice, *, dry: bool
    ) -> Finding | None:
        subject = await self._subject(platform_id, account_id, invoice.customer_id)
        if subject is None:
            return None
        if not dry and not await self._revenue.add(platform_id, _payment(account_id, invoice)):
            return None  # its event has come meanwhile
        told = f"invoice {invoice.id} of {invoice.amount} {invoice.currency} was not in the revenue"
        return Finding(subject, "", "", missed=told)

    async def _missed_refund(
        self, platform_id: str, takings: AccountTakings, refund: Refund, charge: Charge, *, dry: bool
    ) -> Finding | None:
        subject = await self._subject(platform_id, takings.account_id, charge.customer_id)
        if subject is None or not await takings.paid_an_invoice(charge):
            return None
        if not dry and not await self._revenue.give_back(platform_id, _given_back(takings.account_id, refund)):
            return None
        told = "was not taken off the revenue" if refund.stands else "failed and was not put back"
        return Finding(subject, "", "", missed=f"refund {refund.id} of {refund.amount} {refund.currency} {told}")

    async def _subject(self, platform_id: str, account_id: str, customer_id: str | None) -> str | None:
        """Whose customer it is, where that is one of the platform's end-users."""
        subject = None if customer_id is None else await self._records.subject_of(account_id, customer_id)
        return None if subject is None or subjects.parts(subject)[0] != platform_id else subject


def _payment(account_id: str, invoice: PaidInvoice) -> Payment:
    return Payment(account_id, invoice.id, invoice.amount, invoice.currency, invoice.paid_at)


def _given_back(account_id: str, refund: Refund) -> GivenBack:
    return GivenBack(account_id, refund.id, refund.amount, refund.currency, refund.created, refund.stands)

"""Webhook events of the operator's own Stripe account, in the order of their steps.

Called by routes/webhook.py. An event says whose billing has changed; what is true is then read from Stripe.
"""

import logging

from shared.adapters.stripe_gateway import Event, StripeAccount, StripeGateway
from shared.billing.events import EventLog
from shared.billing.records import OWN_ACCOUNT, BillingRecord, BillingRecords
from shared.billing.sync import BillingSync

logger = logging.getLogger("dream_api.billing")

HANDLED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
        "invoice.paid",
        "invoice.payment_failed",
    }
)


class StripeEvents:
    """What is done with an event."""

    def __init__(
        self, gateway: StripeGateway, log: EventLog, records: BillingRecords, sync: BillingSync, *, live: bool
    ) -> None:
        self._gateway = gateway
        self._account: StripeAccount = gateway.own()
        self._log = log
        self._records = records
        self._sync = sync
        self._live = live

    async def receive(self, raw: bytes, signature: str | None) -> str:
        """What became of an event, in a word. Raises BadRequest for a forged one; any other error means: not done."""
        event = self._gateway.verified(raw, signature)
        if event.account is not None:
            return "other_account"
        if event.livemode != self._live:
            return "other_mode"
        if event.type not in HANDLED:
            return "ignored"
        return await self._log.once(event, self._work)

    async def _work(self, event: Event) -> str:
        subject = await self._subject(event)
        if subject is None:
            return "unknown_customer"
        drift = await self._sync.run(subject, self._account)
        return "applied" if drift is not None and drift.found else "unchanged"

    async def _subject(self, event: Event) -> str | None:
        """Whose billing this is: by our record of the customer, or by the checkout that we gave the developer's id."""
        about = event.object
        customer_id = about["id"] if about["object"] == "customer" else about.get("customer")
        if not isinstance(customer_id, str):
            return None
        subject = await self._records.subject_of(OWN_ACCOUNT, customer_id)
        reference = about.get("client_reference_id")
        if subject is not None or not (isinstance(reference, str) and reference.startswith("user_")):
            return subject
        record = await self._records.create(BillingRecord(reference, OWN_ACCOUNT, customer_id))
        if record.customer_id != customer_id:
            facts = {"userId": reference, "customer": customer_id}
            logger.warning("checkout by another customer", extra={"facts": facts})
        return reference

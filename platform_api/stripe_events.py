"""Webhook events of the operator's own Stripe account, in the order of their steps.

Called by routes/billing.py. An event says whose billing has changed; what is true is then read from Stripe.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.adapters.stripe_gateway import Event, StripeAccount, StripeGateway
from shared.billing.events import EventLog
from shared.billing.records import OWN_ACCOUNT, BillingRecord, BillingRecords
from shared.billing.sync import BillingSync
from shared.domain.errors import Unavailable

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


@dataclass(frozen=True, slots=True)
class Received:
    """A believed event, and in a word what became of it."""

    event_id: str
    type: str
    outcome: str


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

    async def receive(self, raw: bytes, signature: str | None) -> Received:
        """What became of an event. Raises BadRequest for a forged one; any other error means: not done."""
        event = self._gateway.verified(raw, signature)
        return Received(event.id, event.type, await self._outcome(event))

    async def _outcome(self, event: Event) -> str:
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
        """Whose billing this is: by our record of the customer, or by the developer's id that our checkout carries."""
        about = event.object
        customer_id = about["id"] if about.get("object") == "customer" else about.get("customer")
        if not isinstance(customer_id, str):
            return None
        subject = await self._records.subject_of(OWN_ACCOUNT, customer_id)
        if subject is not None or about.get("object") == "customer":
            return subject
        reference = _reference(about)
        return None if reference is None else await self._linked(reference, customer_id)

    async def _linked(self, user_id: str, customer_id: str) -> str | None:
        """The customer becomes the developer's, unless they pay as another already, or were erased as this one."""
        record = await self._records.adopt(BillingRecord(user_id, OWN_ACCOUNT, customer_id))
        if record is None:
            return None
        if record.customer_id == customer_id:
            return user_id
        facts = {"userId": user_id, "customer": customer_id, "known": record.customer_id}
        logger.warning("a developer has two customers", extra={"facts": facts})
        if record.plan is None:
            linked = replace(record, customer_id=customer_id, version=record.version + 1)
            if not await self._records.replace(record, linked):
                raise Unavailable("This developer's billing changes just now; deliver it again.")
        return user_id


def _reference(about: Mapping[str, Any]) -> str | None:
    """The developer's id, as our checkout put it on the session and on the subscription."""
    reference = about.get("client_reference_id") or (about.get("metadata") or {}).get("userId")
    return reference if isinstance(reference, str) and reference.startswith("user_") else None

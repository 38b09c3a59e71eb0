"""Webhook events of connected accounts, in the order of their steps.

Called by routes/billing.py. The signature says that the event is Stripe's; whose it may be about is decided by the
account it comes from and by nothing inside it. It names a customer; what is true is then read from Stripe.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.adapters.stripe_gateway import Event, NotConnected, StripeGateway
from shared.billing.events import EventLog, Logged
from shared.billing.records import BillingRecords
from shared.billing.sync import BillingSync
from shared.domain.errors import Conflict
from shared.records.tenant_config import StripeConnection
from tenant_api import subjects
from tenant_api.repositories.connections import Connections
from tenant_api.takings import INVOICE_PAID, REFUNDS, Takings

logger = logging.getLogger("dream_api.billing")

DEAUTHORIZED = "account.application.deauthorized"
HANDLED = frozenset(
    {
        DEAUTHORIZED,
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
        INVOICE_PAID,
        "invoice.payment_failed",
        *REFUNDS,
    }
)


@dataclass(frozen=True, slots=True)
class Received:
    """A believed event, and in a word what became of it."""

    event_id: str
    type: str
    outcome: str
    platform_id: str | None = None


class StripeEvents:
    """What is done with an event. `live` is the mode of the operator's key."""

    def __init__(
        self,
        gateway: StripeGateway,
        log: EventLog,
        connections: Connections,
        records: BillingRecords,
        takings: Takings,
        sync: BillingSync,
        *,
        live: bool,
    ) -> None:
        self._gateway = gateway
        self._log = log
        self._connections = connections
        self._records = records
        self._takings = takings
        self._sync = sync
        self._live = live

    async def receive(self, raw: bytes, signature: str | None) -> Received:
        """What became of an event. Raises BadRequest for a forged one; any other error means: not done."""
        event = self._gateway.verified(raw, signature)
        if event.account is None:
            return Received(event.id, event.type, "no_account")
        # Test events come to live endpoints too.
        if event.livemode != self._live:
            return Received(event.id, event.type, "other_mode")
        if event.type not in HANDLED:
            return Received(event.id, event.type, "ignored")
        found = await self._connections.of_account(event.account)
        if found is None:
            return Received(event.id, event.type, "unknown_account")
        return Received(event.id, event.type, await self._outcome(event, *found), found[0])

    async def replay(self, logged: Logged, platform_id: str) -> None:
        """Work on an event of a platform's account anew, as if it were delivered now. What fails is raised."""
        found = None if logged.event.account is None else await self._connections.of_account(logged.event.account)
        if found is None or found[0] != platform_id:
            raise Conflict("The account of this event is not connected any more.", reason="not_connected")
        await self._outcome(logged.event, *found, again=True)

    async def _outcome(
        self, event: Event, platform_id: str, connection: StripeConnection, *, again: bool = False
    ) -> str:
        claimed = _claimed_platform(event.object)
        if claimed is not None and claimed != platform_id:
            facts = {"eventId": event.id, "account": event.account, "platformId": platform_id, "claimed": claimed}
            logger.warning("event names another platform", extra={"facts": facts})
            return "other_platform"

        async def work(event: Event) -> str:
            if event.type == DEAUTHORIZED:
                return await self._deauthorized(event, platform_id, connection)
            return await self._apply(event, platform_id, connection)

        return await self._log.once(event, work, platform_id, again=again)

    async def _deauthorized(self, event: Event, platform_id: str, connection: StripeConnection) -> str:
        if event.created < connection.connected_at:
            return "connected_again"  # a late word about an earlier connection
        # Within one second the word could be about either; Stripe knows.
        if event.created == connection.connected_at and await self._gateway.connected(connection.account_id).granted():
            return "connected_again"
        if not await self._connections.disconnect(platform_id, connection):
            return "connected_again"
        logger.warning("account disconnected", extra={"facts": {"platformId": platform_id, "account": event.account}})
        return "disconnected"

    async def _apply(self, event: Event, platform_id: str, connection: StripeConnection) -> str:
        account_id, customer_id = connection.account_id, _customer_of(event.object)
        if not connection.connected:
            return "disconnected"
        if event.type in REFUNDS:
            try:
                return await self._takings.refunded(platform_id, account_id, event)
            except NotConnected:
                return "disconnected"
        subject = None if customer_id is None else await self._records.subject_of(account_id, customer_id)
        # Only who came through our checkout is known; an account that changed hands brings nobody along.
        if subject is None or subjects.parts(subject)[0] != platform_id:
            return "unknown_customer"
        try:
            drift = await self._sync.run(subject, self._gateway.connected(account_id))
        except NotConnected:
            return "disconnected"
        paid = await self._takings.paid(platform_id, account_id, event)
        return "applied" if paid or (drift is not None and drift.found) else "unchanged"


def _customer_of(about: Mapping[str, Any]) -> str | None:
    customer_id = about.get("id") if about.get("object") == "customer" else about.get("customer")
    return customer_id if isinstance(customer_id, str) else None


def _claimed_platform(about: Mapping[str, Any]) -> str | None:
    """The platform that the metadata names: the object's own, or on an invoice its subscription's."""
    details = (about.get("parent") or {}).get("subscription_details") or {}
    for metadata in (about.get("metadata"), details.get("metadata")):
        if metadata and metadata.get("platformId") is not None:
            return str(metadata["platformId"])
    return None

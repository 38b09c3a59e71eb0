"""The Stripe events that came for a platform, what became of each, and working on one again.

Called by routes/deliveries.py. A replay goes the way of a delivery (stripe_events.py): what is true is read from
Stripe as it is now.
"""

from dataclasses import dataclass
from typing import Any

from shared.billing.events import EventLog, Logged
from shared.domain.errors import ApiError, BadRequest, Conflict, NotFound
from tenant_api.stripe_events import StripeEvents

MESSAGES = {
    "applied": "The end-user's subscription or your revenue was brought up to date.",
    "unchanged": "Everything was up to date already.",
    "unknown_customer": "This customer did not come through your pricing page; nothing to do.",
    "no_invoice": "This refund is of a sale that was not made through your tiers; nothing to do.",
    "disconnected": "The Stripe account was disconnected.",
    "connected_again": "A late word about an earlier connection; nothing to do.",
}
STATUSES = {"claimed": "working", "done": "done", "failed": "failed"}


@dataclass(frozen=True, slots=True)
class Deliveries:
    """A platform's events. `events` is None where the operator has set up no billing."""

    log: EventLog
    events: StripeEvents | None

    async def page(self, platform_id: str, cursor: str | None, limit: int) -> dict[str, Any]:
        """The newest first; the documented JSON."""
        if cursor is not None and "#" not in cursor:
            raise BadRequest("cursor is not one of ours; leave it out to begin anew.", field="cursor")
        logged, following = await self.log.listed(platform_id, cursor, limit)
        return {"events": [to_json(one) for one in logged], "next": following}

    async def replay(self, platform_id: str, event_id: str) -> dict[str, Any]:
        """Work on an event again and answer its row, also where that failed. Raises NotFound for another's."""
        logged = await self.log.find(event_id)
        if logged is None or logged.owner != platform_id:
            raise NotFound("There is no event of this id in the last 30 days.")
        if self.events is None:
            raise Conflict("Billing is not set up here; the operator sets TENANT_STRIPE__SECRET_KEY.")
        try:
            await self.events.replay(logged, platform_id)
        except Conflict:
            raise
        except ApiError as error:
            failed = await self.log.find(event_id)
            return to_json(failed or logged) | {"message": error.message}
        return to_json(await self.log.find(event_id) or logged)


def to_json(logged: Logged) -> dict[str, Any]:
    status = STATUSES.get(logged.status, logged.status)
    message = MESSAGES.get(logged.outcome or "", "")
    if status == "failed":
        message = "The work failed; Stripe delivers the event again by itself, or replay it now."
    elif status == "working":
        message = "Being worked on."
    return {
        "id": logged.event.id,
        "type": logged.event.type,
        "outcome": logged.outcome,
        "status": status,
        "receivedAt": logged.received_at,
        "attempts": logged.attempts,
        "message": message,
    }

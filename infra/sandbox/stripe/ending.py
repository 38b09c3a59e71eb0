"""How a subscription ends. The API, the portal, the lifecycle and the deletion of a customer all end it here."""

from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object

ENDED = frozenset({"canceled", "incomplete_expired"})


def end(books: Books, subscription: Object, reason: str, status: str = "canceled") -> Object:
    """Ended now, told of as deleted; `incomplete_expired` is told of as an update, as Stripe does."""
    ended = subscription | {
        "status": status,
        "canceled_at": subscription["canceled_at"] or books.now,
        "ended_at": books.now,
        "pending_update": None,
        "cancellation_details": subscription["cancellation_details"] | {"reason": reason},
    }
    if status != "canceled":
        return books.change(subscription, ended, "customer.subscription.updated")
    return books.create(ended, "customer.subscription.deleted")

"""What the stand-in is told at its start: the platform's key, its OAuth application and its webhook endpoints."""

from dataclasses import dataclass

PLATFORM = "acct_platform"
API_VERSION = "2026-10-28.endive"

# The types an operator turns on for an endpoint: those that the services handle. All others can still be listed.
DELIVERED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.trial_will_end",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "invoice.finalization_failed",
        "charge.dispute.created",
        "charge.dispute.closed",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "account.application.deauthorized",
        "account.updated",
        "customer.deleted",
    }
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook endpoint and the secret its deliveries are signed with."""

    url: str
    secret: str

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """`URL=SECRET`; the URL may itself contain an equals sign."""
        url, _, secret = text.rpartition("=")
        if not url.startswith(("http://", "https://")) or not secret:
            raise ValueError("an endpoint is given as URL=SECRET")
        return cls(url, secret)


@dataclass(frozen=True, slots=True)
class Config:
    """Without a key any sk_test_ key is the platform's; without a client id or redirect URIs any will do."""

    secret_key: str | None = None
    client_id: str | None = None
    redirect_uris: tuple[str, ...] = ()
    webhooks: tuple[Endpoint, ...] = ()
    connect_webhooks: tuple[Endpoint, ...] = ()

    def secret_of(self, url: str) -> str | None:
        return next((one.secret for one in (*self.webhooks, *self.connect_webhooks) if one.url == url), None)

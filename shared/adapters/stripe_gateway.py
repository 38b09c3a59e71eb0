"""Stripe through its own client: what billing asks of one account, and the verification of webhook events.

Both services' billing and the bridge call it. `StripeGateway.own()` is the operator's account;
`StripeGateway.connected(acct)` a developer's, and there is no way to make a call for a developer without naming it.
Every create carries a deterministic idempotency key, so that a request sent again makes nothing twice.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import stripe

from shared.adapters import stripe_event
from shared.adapters.stripe_client import PAGE, NotConnected, OpenStripe, asked, missing, options, refused
from shared.adapters.stripe_takings import AccountTakings
from shared.domain.errors import BadRequest, Conflict
from shared.domain.subscriptions import Subscription
from shared.settings import StripeKeys

__all__ = ["Checkout", "CustomerGone", "Event", "NotConnected", "StripeAccount", "StripeGateway"]

TOLERANCE_SECONDS = 300
CONNECTED_ACCOUNT = re.compile(r"acct_[A-Za-z0-9_]{1,64}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Event:
    """A verified webhook event. `account` is set on events of connected accounts; `object` is what it is about."""

    id: str
    type: str
    created: int
    livemode: bool
    account: str | None
    object: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout of one subscription. `metadata` goes on the session and on the subscription alike."""

    customer_id: str
    price_id: str
    client_reference_id: str
    metadata: Mapping[str, str]
    success_url: str
    cancel_url: str
    trial_days: int = 0
    application_fee_percent: float | None = None


class CustomerGone(Exception):
    """The customer was deleted at Stripe; a new one is needed."""


class StripeGateway:
    """The connection to Stripe, with the operator's secret key."""

    def __init__(self, keys: StripeKeys) -> None:
        self._connection = OpenStripe(keys)
        self._client = self._connection.client
        self._secrets = keys.webhook_secrets

    def own(self) -> "StripeAccount":
        """The operator's own account."""
        return StripeAccount(self._client, None)

    def connected(self, account_id: str) -> "StripeAccount":
        """A developer's account; every call names it."""
        if CONNECTED_ACCOUNT.fullmatch(account_id) is None:
            raise ValueError("a connected account is named acct_…")
        return StripeAccount(self._client, account_id)

    def takings(self, account_id: str) -> AccountTakings:
        """What a developer's account has taken."""
        return AccountTakings(self._client, account_id)

    def verified(self, raw: bytes, signature: str | None) -> Event:
        """The event in a webhook body, once one of the secrets has signed it; BadRequest otherwise."""
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(raw, signature, secret, TOLERANCE_SECONDS)
                return _event(self._client.construct_event(raw, signature or "", secret, TOLERANCE_SECONDS))
            except stripe.SignatureVerificationError:
                continue
            except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
                raise BadRequest("The body is no event of a version this endpoint reads.") from error
        raise BadRequest("The Stripe-Signature does not match, or is too old.")

    async def reach(self) -> None:
        """Raises Unavailable where Stripe does not answer."""
        await self._connection.reach()

    async def close(self) -> None:
        await self._connection.close()


class StripeAccount:
    """What billing does on one account."""

    def __init__(self, client: stripe.StripeClient, account_id: str | None) -> None:
        self._v1 = client.v1
        self.account_id = account_id

    async def granted(self) -> bool:
        """Whether this account still lets us in."""
        params: Any = {"limit": 1}
        try:
            await self._asked(self._v1.prices.list_async(params, self._options()))
        except NotConnected:
            return False
        return True

    async def create_customer(self, *, email: str | None, metadata: Mapping[str, str], key: str) -> str:
        """A new customer's id; the same `key` gives the same customer."""
        params: Any = {"metadata": dict(metadata)} | ({"email": email} if email else {})
        customer = await self._asked(self._v1.customers.create_async(params, self._options(key)))
        return str(customer.id)

    async def subscriptions(self, customer_id: str) -> list[Subscription]:
        """All subscriptions a customer ever had, as they are now; empty also when the customer is gone."""
        params: Any = {"customer": customer_id, "status": "all", "limit": PAGE}
        try:
            listed = await self._asked(self._listed(params))
        except stripe.InvalidRequestError as error:
            if missing(error):
                return []
            raise
        found = [_subscription(one) for one in listed]
        return [one for one in found if one is not None]

    async def _listed(self, params: Any) -> list[Mapping[str, Any]]:
        page = await self._v1.subscriptions.list_async(params, self._options())
        return [one.to_dict() async for one in page.auto_paging_iter()]

    async def cancel(self, subscription_id: str) -> None:
        """End a subscription now, paying back what was not used; nothing happens when it has ended already."""
        params: Any = {"prorate": True, "invoice_now": True}
        try:
            await self._asked(
                self._v1.subscriptions.cancel_async(subscription_id, params, self._options(f"cancel:{subscription_id}"))
            )
        except stripe.InvalidRequestError as error:
            if not missing(error):
                raise

    async def checkout(self, wanted: Checkout, *, key: str) -> str:
        """The address of a hosted checkout; the same wish under the same `key` gives the same session."""
        subscription: dict[str, Any] = {"metadata": dict(wanted.metadata)}
        if wanted.trial_days:
            subscription["trial_period_days"] = wanted.trial_days
        if wanted.application_fee_percent is not None:
            subscription["application_fee_percent"] = wanted.application_fee_percent
        params: Any = {
            "mode": "subscription",
            "line_items": [{"price": wanted.price_id, "quantity": 1}],
            "customer": wanted.customer_id,
            "client_reference_id": wanted.client_reference_id,
            "metadata": dict(wanted.metadata),
            "subscription_data": subscription,
            "success_url": wanted.success_url,
            "cancel_url": wanted.cancel_url,
        }
        try:
            # Stripe refuses a key that it has seen with other parameters, such as those before a change of settings.
            once = self._options(f"{key}:{_digest(params)}")
            session = await self._asked(self._v1.checkout.sessions.create_async(params, once))
        except stripe.InvalidRequestError as error:
            raise _customer_gone_or(error) from error
        if not session.url:
            raise Conflict("This checkout is over already; start a new one.")
        return str(session.url)

    async def portal(self, customer_id: str, return_url: str, configuration_id: str | None = None) -> str:
        """The address of the customer's own portal; short-lived, so made on every click. Raises CustomerGone."""
        params: Any = {"customer": customer_id, "return_url": return_url}
        if configuration_id is not None:
            params["configuration"] = configuration_id
        try:
            session = await self._asked(self._v1.billing_portal.sessions.create_async(params, self._options()))
        except stripe.InvalidRequestError as error:
            raise _customer_gone_or(error) from error
        return str(session.url)

    async def create_portal_configuration(self, products: Sequence[Mapping[str, Any]], *, key: str) -> str:
        """A portal in which a customer may change between `products` (`{"product", "prices"}`, ≤ 10) and cancel."""
        features: dict[str, Any] = {
            "customer_update": {"enabled": True, "allowed_updates": ["email", "name", "address"]},
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        }
        if products:
            features["subscription_update"] = {
                "enabled": True,
                "default_allowed_updates": ["price"],
                "products": [dict(product) for product in products],
                "proration_behavior": "create_prorations",
            }
        params: Any = {"features": features}
        made = await self._asked(self._v1.billing_portal.configurations.create_async(params, self._options(key)))
        return str(made.id)

    def _options(self, key: str | None = None) -> Any:
        return options(self.account_id, key)

    async def _asked(self, call: Awaitable[T]) -> T:
        return await asked(call, self.account_id)


def _customer_gone_or(error: stripe.InvalidRequestError) -> Exception:
    return CustomerGone() if missing(error) and error.param == "customer" else refused(error)


def _digest(params: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]


def _event(event: stripe.Event) -> Event:
    data = event.to_dict()
    stripe_event.check(data)
    return Event(
        id=data["id"],
        type=data["type"],
        created=int(data["created"]),
        livemode=bool(data["livemode"]),
        account=data.get("account"),
        object=data["data"]["object"],
    )


def _subscription(data: Mapping[str, Any]) -> Subscription | None:
    """None for one without an item: nothing is bought with it."""
    item = next(_items(data), None)
    if item is None:
        return None
    price = item["price"]
    each = price.get("unit_amount")
    return Subscription(
        id=data["id"],
        customer_id=data["customer"],
        status=data["status"],
        price_id=price["id"],
        created=int(data["created"]),
        period_start=int(item["current_period_start"]),
        period_end=int(item["current_period_end"]),
        cancel_at=data.get("cancel_at") or (int(item["current_period_end"]) if data["cancel_at_period_end"] else None),
        amount=None if each is None else int(each) * int(item.get("quantity") or 1),
        currency=price.get("currency"),
        interval=(price.get("recurring") or {}).get("interval"),
    )


def _items(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from data["items"]["data"]

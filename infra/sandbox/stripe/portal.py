"""The customer portal's API: configurations and sessions, and what a customer may do on the hosted page.

The operator's own account has a default configuration, as saved in the dashboard; a connected account has none.
"""

from typing import Any

from infra.sandbox.stripe import cards, changes, customers, ending, invoices, lists, prices, subscription, subscriptions
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.due import period_end
from infra.sandbox.stripe.errors import Object, Refusal
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.metadata import merged

SESSION_SECONDS = 3600
NO_DEFAULT = (
    "No configuration provided and your test mode default configuration has not been created. Provide a configuration"
    " or create your default by saving your customer portal settings in test mode."
)
FEATURES: Object = {
    "customer_update": {"enabled": False, "allowed_updates": []},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"enabled": False},
    "subscription_update": {
        "default_allowed_updates": [],
        "enabled": False,
        "products": [],
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
    },
}


def create_configuration(books: Books, params: dict[str, Any]) -> Object:
    _check_products(books, params["features"])
    return books.create(_configuration(books, params), "billing_portal.configuration.created")


def retrieve_configuration(books: Books, _params: dict[str, Any], configuration_id: str) -> Object:
    return books.get("billing_portal.configuration", configuration_id)


def update_configuration(books: Books, params: dict[str, Any], configuration_id: str) -> Object:
    before = books.get("billing_portal.configuration", configuration_id)
    _check_products(books, params.get("features", {}))
    after = before | {name: params[name] for name in ("active", "default_return_url", "name") if name in params}
    after["features"] = _features(before["features"], params.get("features", {}))
    after["metadata"] = merged(before["metadata"], params.get("metadata"))
    return books.change(before, after | {"updated": books.now}, "billing_portal.configuration.updated")


def list_configurations(books: Books, params: dict[str, Any]) -> Object:
    found = (
        one
        for one in books.all("billing_portal.configuration")
        if all(params.get(name) in {None, one[name]} for name in ("active", "is_default"))
    )
    return lists.page(found, params, "/v1/billing_portal/configurations")


def create_session(books: Books, params: dict[str, Any]) -> Object:
    customer = customers.existing(books, params.get("customer", ""))
    configuration = _chosen(books, params)
    session_id = fresh("billing_portal.session")
    session: Object = {
        "id": session_id,
        "object": "billing_portal.session",
        "configuration": configuration["id"],
        "created": books.now,
        "customer": customer["id"],
        "flow": params.get("flow_data"),
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": f"{books.base}/p/session/{session_id}",
    }
    return books.create(session, "billing_portal.session.created")


def save_default(books: Books) -> Object:
    """As the account's owner does by saving the portal's settings in the dashboard."""
    features = {
        "customer_update": {"enabled": True, "allowed_updates": ["email", "name"]},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
    }
    return books.create(_configuration(books, {"features": features}) | {"is_default": True})


def change_price(books: Books, session: Object, subscription_id: str, price_id: str) -> Object:
    """The customer picks another price of those the configuration offers."""
    features = configuration_of(books, session)["features"]["subscription_update"]
    if price_id not in {price["id"] for price in offered(books, session)}:
        raise Refusal("This plan is not offered.", param="price")
    before = owned(books, session, subscription_id)
    item = before["items"]["data"][0]
    items = changes.items_after(books, before, [{"id": item["id"], "price": price_id}])
    after = subscription.with_items(before, items)
    terms = changes.Terms(features["proration_behavior"], "error_if_incomplete")
    return changes.apply(books, before, after, terms)


def cancel_later(books: Books, session: Object, subscription_id: str) -> Object:
    """In flexible billing the portal sets `cancel_at`, and leaves `cancel_at_period_end` as it is."""
    before = owned(books, session, subscription_id)
    classic = before["billing_mode"]["type"] == "classic"
    after = subscriptions.will_end(before, period_end(before), books.now, at_period_end=classic)
    return books.change(before, after, "customer.subscription.updated")


def keep(books: Books, session: Object, subscription_id: str) -> Object:
    before = owned(books, session, subscription_id)
    return books.change(before, subscriptions.will_end(before, None, books.now), "customer.subscription.updated")


def cancel_now(books: Books, session: Object, subscription_id: str) -> Object:
    before = owned(books, session, subscription_id)
    return ending.end(books, before | {"canceled_at": books.now}, "cancellation_requested")


def change_card(books: Books, session: Object, subscription_id: str, number: str) -> Object:
    """A new card, and what was owed is tried again with it."""
    before = owned(books, session, subscription_id)
    digits = cards.shown_card(number)
    customer = customers.existing(books, session["customer"])
    method = cards.attach(books, customer, digits)
    after = before | {"default_payment_method": method["id"]}
    books.change(before, after, "customer.subscription.updated")
    invoice = books.find("invoice", after["latest_invoice"] or "")
    if invoice is not None and invoice["status"] == "open" and cards.charges(books, after):
        invoices.pay(books, invoice)
        subscriptions.settle(books, after, invoice["id"])
    return after


def owned(books: Books, session: Object, subscription_id: str) -> Object:
    """A living subscription of the session's customer, and of nobody else."""
    found = subscriptions.living(books, subscription_id)
    if found["customer"] != session["customer"]:
        raise Refusal(f"No such subscription: '{subscription_id}'", status=404, code="resource_missing")
    return found


def offered(books: Books, session: Object) -> list[Object]:
    """The active recurring prices that the configuration lets a customer change to."""
    feature = configuration_of(books, session)["features"]["subscription_update"]
    if not feature["enabled"] or "price" not in (feature["default_allowed_updates"] or []):
        return []
    found = [books.find("price", price_id) for product in feature["products"] or [] for price_id in product["prices"]]
    return [price for price in found if price is not None and price["active"]]


def configuration_of(books: Books, session: Object) -> Object:
    return books.get("billing_portal.configuration", session["configuration"])


def _chosen(books: Books, params: dict[str, Any]) -> Object:
    if "configuration" in params:
        chosen = books.get("billing_portal.configuration", params["configuration"], "configuration")
        if not chosen["active"]:
            raise Refusal("This configuration is not active.", param="configuration")
        return chosen
    for configuration in books.all("billing_portal.configuration"):
        if configuration["is_default"]:
            return configuration
    if not books.connected:
        return save_default(books)
    raise Refusal(NO_DEFAULT)


def _check_products(books: Books, features: dict[str, Any]) -> None:
    feature = features.get("subscription_update", {})
    if feature.get("enabled") and not feature.get("products"):
        raise Refusal(
            "`features[subscription_update][products]` is required when `subscription_update` is enabled.",
            param="features[subscription_update][products]",
        )
    for product in feature.get("products") or []:
        books.get("product", product["product"], "features[subscription_update][products]")
        for price_id in product["prices"]:
            price = prices.of_product(
                books, price_id, product["product"], "features[subscription_update][products][0][prices]"
            )
            if price["type"] != "recurring":
                raise Refusal(f"The price `{price_id}` is not recurring.", param="features[subscription_update]")


def _configuration(books: Books, params: dict[str, Any]) -> Object:
    profile = {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None}
    return {
        "id": fresh("billing_portal.configuration"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": profile | params.get("business_profile", {}),
        "created": books.now,
        "default_return_url": params.get("default_return_url"),
        "features": _features(FEATURES, params["features"]),
        "is_default": False,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": merged({}, params.get("metadata")),
        "name": params.get("name"),
        "updated": books.now,
    }


def _features(before: Object, given: dict[str, Any]) -> Object:
    return {name: feature | given.get(name, {}) for name, feature in before.items()}

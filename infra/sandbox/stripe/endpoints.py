"""Every endpoint of the API: its path, its legal parameters and what answers it. `api` looks requests up here."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.sandbox.stripe import (
    accounts,
    cards,
    charges,
    checkout,
    customers,
    events,
    invoices,
    legal,
    portal,
    prices,
    products,
    refunds,
    subscriptions,
)
from infra.sandbox.stripe import legal_billing as billing
from infra.sandbox.stripe.errors import Object, Refusal

Handler = Callable[..., Object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`{id}` in a path is handed to the handler after the account's books and the parameters."""

    method: str
    path: str
    legal: legal.Params
    handler: Handler

    def ids(self, method: str, path: str) -> tuple[str, ...] | None:
        """What stands in the place of `{id}`, when the request is for this endpoint."""
        if method != self.method:
            return None
        matched = re.fullmatch(self.path.replace("{id}", "([A-Za-z0-9_-]+)"), path)
        return matched.groups() if matched else None


ATTACH: legal.Params = {"customer": legal.need(legal.TEXT), **legal.EXPAND}

ENDPOINTS = (
    Endpoint("POST", "/v1/customers", legal.CUSTOMER_CREATE, customers.create),
    Endpoint("GET", "/v1/customers", legal.CUSTOMER_LIST, customers.listing),
    Endpoint("GET", "/v1/customers/search", legal.SEARCH, customers.search),
    Endpoint("GET", "/v1/customers/{id}", legal.EXPAND, customers.retrieve),
    Endpoint("POST", "/v1/customers/{id}", legal.CUSTOMER_UPDATE, customers.update),
    Endpoint("DELETE", "/v1/customers/{id}", {}, customers.delete),
    Endpoint("GET", "/v1/payment_methods/{id}", legal.EXPAND, cards.retrieve),
    Endpoint("POST", "/v1/payment_methods/{id}/attach", ATTACH, cards.attach_named),
    Endpoint("POST", "/v1/products", legal.PRODUCT_CREATE, products.create),
    Endpoint("GET", "/v1/products", legal.PRODUCT_LIST, products.listing),
    Endpoint("GET", "/v1/products/{id}", legal.EXPAND, products.retrieve),
    Endpoint("POST", "/v1/products/{id}", legal.PRODUCT_UPDATE, products.update),
    Endpoint("DELETE", "/v1/products/{id}", {}, products.delete),
    Endpoint("POST", "/v1/prices", legal.PRICE_CREATE, prices.create),
    Endpoint("GET", "/v1/prices", legal.PRICE_LIST, prices.listing),
    Endpoint("GET", "/v1/prices/{id}", legal.EXPAND, prices.retrieve),
    Endpoint("POST", "/v1/prices/{id}", legal.PRICE_UPDATE, prices.update),
    Endpoint("POST", "/v1/checkout/sessions", billing.CHECKOUT_CREATE, checkout.create),
    Endpoint("GET", "/v1/checkout/sessions", billing.CHECKOUT_LIST, checkout.listing),
    Endpoint("GET", "/v1/checkout/sessions/{id}", legal.EXPAND, checkout.retrieve),
    Endpoint("GET", "/v1/checkout/sessions/{id}/line_items", legal.PAGE, checkout.line_items),
    Endpoint("POST", "/v1/checkout/sessions/{id}/expire", legal.EXPAND, checkout.expire),
    Endpoint("POST", "/v1/subscriptions", billing.SUBSCRIPTION_CREATE, subscriptions.create),
    Endpoint("GET", "/v1/subscriptions", billing.SUBSCRIPTION_LIST, subscriptions.listing),
    Endpoint("GET", "/v1/subscriptions/{id}", legal.EXPAND, subscriptions.retrieve),
    Endpoint("POST", "/v1/subscriptions/{id}", billing.SUBSCRIPTION_UPDATE, subscriptions.update),
    Endpoint("DELETE", "/v1/subscriptions/{id}", billing.SUBSCRIPTION_CANCEL, subscriptions.cancel),
    Endpoint("POST", "/v1/subscriptions/{id}/pause", billing.SUBSCRIPTION_PAUSE, subscriptions.pause),
    Endpoint("POST", "/v1/subscriptions/{id}/resume", billing.SUBSCRIPTION_RESUME, subscriptions.resume),
    Endpoint("GET", "/v1/subscription_items", billing.ITEM_LIST, subscriptions.list_items),
    Endpoint("GET", "/v1/subscription_items/{id}", legal.EXPAND, subscriptions.retrieve_item),
    Endpoint("GET", "/v1/invoices", legal.INVOICE_LIST, invoices.listing),
    Endpoint("GET", "/v1/invoices/{id}", legal.EXPAND, invoices.retrieve),
    Endpoint("POST", "/v1/invoices/{id}/pay", {**legal.INVOICE_PAY, **legal.EXPAND}, subscriptions.pay_invoice),
    Endpoint("GET", "/v1/invoice_payments", legal.INVOICE_PAYMENT_LIST, charges.list_payments),
    Endpoint("GET", "/v1/charges", legal.CHARGE_LIST, charges.listing),
    Endpoint("GET", "/v1/charges/{id}", legal.EXPAND, charges.retrieve),
    Endpoint("POST", "/v1/refunds", legal.REFUND_CREATE, refunds.create),
    Endpoint("GET", "/v1/refunds", legal.REFUND_LIST, refunds.listing),
    Endpoint("GET", "/v1/refunds/{id}", legal.EXPAND, refunds.retrieve),
    Endpoint("POST", "/v1/billing_portal/configurations", billing.CONFIGURATION_CREATE, portal.create_configuration),
    Endpoint("GET", "/v1/billing_portal/configurations", billing.CONFIGURATION_LIST, portal.list_configurations),
    Endpoint("GET", "/v1/billing_portal/configurations/{id}", legal.EXPAND, portal.retrieve_configuration),
    Endpoint(
        "POST", "/v1/billing_portal/configurations/{id}", billing.CONFIGURATION_UPDATE, portal.update_configuration
    ),
    Endpoint("POST", "/v1/billing_portal/sessions", billing.PORTAL_CREATE, portal.create_session),
    Endpoint("GET", "/v1/account", legal.EXPAND, accounts.retrieve_own),
    Endpoint("GET", "/v1/accounts/{id}", legal.EXPAND, accounts.retrieve),
    Endpoint("GET", "/v1/events", legal.EVENT_LIST, events.listing),
    Endpoint("GET", "/v1/events/{id}", legal.EXPAND, events.retrieve),
)


def look_up(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """The endpoint and the ids in the path; the first that fits, so `search` comes before `{id}`."""
    for endpoint in ENDPOINTS:
        ids = endpoint.ids(method, path)
        if ids is not None:
            return endpoint, ids
    raise Refusal(
        f"Unrecognized request URL ({method}: {path}). The sandbox may not model it.", status=404, executed=False
    )


def called(endpoint: Endpoint, books: Any, params: dict[str, Any], ids: tuple[str, ...]) -> Object:
    return endpoint.handler(books, {name: value for name, value in params.items() if name != "expand"}, *ids)

"""A subscription's shape: making one, its items and periods, and its first invoice.

Checkout, the API and the lifecycle build on it.
"""

from typing import Any

from infra.sandbox.stripe import cards, invoices, lists
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.due import DAY
from infra.sandbox.stripe.errors import Object
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.intervals import next_end
from infra.sandbox.stripe.metadata import merged

LIVE = frozenset({"active", "past_due", "trialing", "unpaid", "paused", "incomplete"})


def build(
    books: Books, customer_id: str, wanted: list[tuple[Object, int]], data: dict[str, Any], method_id: str | None
) -> Object:
    """A subscription to prices, in trial or not yet paid; nothing is written or told yet."""
    trial_end = trial_end_of(books, data)
    first = wanted[0][0]
    subscription_id = fresh("subscription")
    end = trial_end or next_end(books.now, books.now, first["recurring"])
    items = [new_item(books, subscription_id, price, quantity, end) for price, quantity in wanted]
    return {
        "id": subscription_id,
        "object": "subscription",
        **_untouched(),
        "application": "ca_sandbox" if books.connected else None,
        "application_fee_percent": data.get("application_fee_percent"),
        "billing_cycle_anchor": trial_end or books.now,
        "billing_mode": {"type": data.get("billing_mode", {}).get("type", "flexible")},
        "created": books.now,
        "currency": first["currency"],
        "customer": customer_id,
        "default_payment_method": method_id,
        "description": data.get("description"),
        "items": lists.whole(items, f"/v1/subscription_items?subscription={subscription_id}"),
        "metadata": merged({}, data.get("metadata")),
        "start_date": books.now,
        "status": "trialing" if trial_end else "incomplete",
        "trial_end": trial_end,
        "trial_settings": data.get("trial_settings") or {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": books.now if trial_end else None,
        "_sandbox": {"prorations": [], "retries": 0, "retry_at": None, "trial_notice": False},
    }


def _untouched() -> Object:
    """What every subscription starts with, and most keep."""
    return {
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "days_until_due": None,
        "default_source": None,
        "default_tax_rates": [],
        "discounts": [],
        "ended_at": None,
        "latest_invoice": None,
        "livemode": False,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {"payment_method_options": None, "save_default_payment_method": "off"},
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "status_details": None,
        "test_clock": None,
        "transfer_data": None,
    }


def trial_end_of(books: Books, data: dict[str, Any]) -> int | None:
    if "trial_period_days" in data:
        return books.now + int(data["trial_period_days"]) * DAY
    return data.get("trial_end")


def new_item(books: Books, subscription_id: str, price: Object, quantity: int, end: int) -> Object:
    return {
        "id": fresh("subscription_item"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": books.now,
        "current_period_end": end,
        "current_period_start": books.now,
        "discounts": [],
        "metadata": {},
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }


def open_with_payment(books: Books, subscription: Object, *, paid_on_page: bool = False) -> Object:
    """Write a new subscription, draw its first invoice and try to collect it: active, or incomplete when that fails."""
    books.create(subscription, "customer.subscription.created")
    invoice = invoices.draw(books, subscription, period_lines(subscription), "subscription_create")
    invoice = invoices.collect(books, invoice, subscription, sure=paid_on_page)
    status = subscription["status"]
    if status == "incomplete" and invoice["status"] == "paid":
        status = "active"
    return books.change(
        subscription,
        subscription | {"status": status, "latest_invoice": invoice["id"]},
        "customer.subscription.updated",
    )


def period_lines(subscription: Object) -> list[Object]:
    """What the items cost for their current period: nothing in a trial."""
    trialing = subscription["status"] == "trialing"
    return [
        invoices.line(
            subscription,
            item,
            0 if trialing else cost(item),
            "Trial period" if trialing else f"{item['quantity']} x subscription",
            (item["current_period_start"], item["current_period_end"]),
        )
        for item in subscription["items"]["data"]
    ]


def cost(item: Object) -> int:
    return int(item["price"]["unit_amount"]) * int(item["quantity"])


def with_items(subscription: Object, items: list[Object]) -> Object:
    return subscription | {"items": subscription["items"] | {"data": items}}


def with_period(subscription: Object, start: int, end: int) -> Object:
    """The same subscription with all its items in another period."""
    items = subscription["items"]["data"]
    return with_items(
        subscription, [item | {"current_period_start": start, "current_period_end": end} for item in items]
    )


def recurring_of(subscription: Object) -> Object:
    found: Object = subscription["items"]["data"][0]["price"]["recurring"]
    return found


def noted(subscription: Object, **notes: Any) -> Object:
    """With the stand-in's own notes changed; nobody outside sees them."""
    return subscription | {"_sandbox": subscription["_sandbox"] | notes}


def collects(books: Books, subscription: Object) -> bool:
    return cards.charges(books, subscription)

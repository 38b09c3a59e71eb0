"""Changing what a running subscription is made of: its items, and the money that follows.

The API and the portal call it.
"""

from dataclasses import dataclass
from typing import Any

from infra.sandbox.stripe import invoices, prices, prorations
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.due import DAY, INCOMPLETE_SECONDS
from infra.sandbox.stripe.errors import Object, Refusal, card_declined, unknown_object
from infra.sandbox.stripe.intervals import next_end
from infra.sandbox.stripe.lifecycle import DEFAULT_SETTINGS, SETTINGS
from infra.sandbox.stripe.subscription import (
    new_item,
    noted,
    period_lines,
    recurring_of,
    with_items,
    with_period,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a change is paid for."""

    proration: str = "create_prorations"
    behavior: str = "allow_incomplete"
    anchor_now: bool = False
    at: int | None = None


def items_after(books: Books, subscription: Object, wanted: list[dict[str, Any]]) -> list[Object]:
    """The items that a request leaves: one without an id is added, one with `deleted` goes, the rest stay."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    end = subscription["items"]["data"][0]["current_period_end"]
    for place, one in enumerate(wanted):
        item_id = one.get("id")
        if item_id is not None and item_id not in items:
            raise unknown_object("subscription_item", item_id, f"items[{place}][id]")
        if one.get("deleted"):
            items.pop(item_id or "", None)
            continue
        before = items[item_id] if item_id else None
        price = _price(books, one, before, place)
        item = before or new_item(books, subscription["id"], price, 1, end)
        items[item["id"]] = item | {"price": price, "quantity": _quantity(one, before, price)}
    left = list(items.values())
    _check_together(left)
    return left


def apply(books: Books, before: Object, after: Object, terms: Terms) -> Object:
    """Write a change of items (`after` may differ in other fields as well) and charge as the terms say."""
    restart = terms.anchor_now or recurring_of(before)["interval"] != recurring_of(after)["interval"]
    if before["status"] == "trialing" or (terms.proration == "none" and not restart):
        return _written(books, before, after)
    lines = prorations.lines(before, after, terms.at or books.now) if terms.proration != "none" else []
    if restart:
        after = with_period(after, books.now, next_end(books.now, books.now, recurring_of(after)))
        after = after | {"billing_cycle_anchor": books.now}
        lines = [one for one in lines if one["amount"] < 0] + period_lines(after)
    elif terms.proration == "create_prorations":
        after = noted(after, prorations=[*after["_sandbox"]["prorations"], *lines])
        return _written(books, before, after)
    return _invoiced(books, before, after, lines, terms.behavior) if lines else _written(books, before, after)


def apply_pending(books: Books, subscription: Object) -> Object:
    """The change that waited for its payment."""
    items = subscription["pending_update"]["subscription_items"]
    after = with_items(subscription, items) | {"pending_update": None}
    books.change(subscription, after, "customer.subscription.updated")
    books.emit("customer.subscription.pending_update_applied", after)
    return after


def _invoiced(books: Books, before: Object, after: Object, lines: list[Object], behavior: str) -> Object:
    waiting = [*after["_sandbox"]["prorations"], *lines]
    invoice = invoices.draw(books, after, waiting, "subscription_update")
    after = noted(after | {"latest_invoice": invoice["id"]}, prorations=[])
    retry_at = books.now + books.store.setting(SETTINGS, DEFAULT_SETTINGS)["retry_days"][0] * DAY
    invoice = invoices.collect(books, invoice, after, retry_at=retry_at)
    if invoice["status"] == "paid":
        return _written(books, before, after)
    if behavior == "error_if_incomplete":
        raise card_declined("Your card was declined.")
    if behavior == "pending_if_incomplete":
        pending = {
            "billing_cycle_anchor": None,
            "expires_at": books.now + INCOMPLETE_SECONDS,
            "subscription_items": after["items"]["data"],
            "trial_end": None,
            "trial_from_plan": None,
        }
        return _written(books, before, before | {"pending_update": pending, "latest_invoice": invoice["id"]})
    return _written(books, before, noted(after | {"status": "past_due"}, retries=1, retry_at=retry_at))


def _written(books: Books, before: Object, after: Object) -> Object:
    return books.change(before, after, "customer.subscription.updated")


def _price(books: Books, wanted: dict[str, Any], before: Object | None, place: int) -> Object:
    """The price asked for; the one it has stays allowed when it is retired meanwhile."""
    price_id = wanted.get("price")
    if before is not None and price_id in {None, before["price"]["id"]}:
        found: Object = before["price"]
        return found
    if price_id is None:
        raise Refusal("Missing required param: items[0][price].", code="parameter_missing", param=f"items[{place}]")
    return prices.for_sale(books, price_id, f"items[{place}][price]")


def _quantity(wanted: dict[str, Any], before: Object | None, price: Object) -> int:
    """A new price starts at one again, unless a quantity is given."""
    if "quantity" in wanted:
        return int(wanted["quantity"])
    return int(before["quantity"]) if before is not None and before["price"]["id"] == price["id"] else 1


def _check_together(items: list[Object]) -> None:
    if not items:
        raise Refusal("A subscription must have at least one active price.", param="items")
    if len({item["price"]["id"] for item in items}) < len(items):
        raise Refusal("Cannot add multiple subscription items with the same price.", param="items")
    terms = {(one["price"]["currency"], one["price"]["recurring"]["interval"]) for one in items}
    if len(terms) > 1:
        raise Refusal("All prices of a subscription must have the same currency and interval here.", param="items")

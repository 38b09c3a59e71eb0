"""Subscriptions: `/v1/subscriptions`, what the API may ask of them. `changes`, `ending` and `lifecycle` do the work."""

from typing import Any

from infra.sandbox.stripe import (
    changes,
    customers,
    ending,
    invoices,
    lifecycle,
    lists,
    prices,
    prorations,
    subscription,
)
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.due import period_end
from infra.sandbox.stripe.errors import Object, Refusal, card_declined, invalid
from infra.sandbox.stripe.intervals import next_end
from infra.sandbox.stripe.metadata import merged

PENDING_ALLOWS = frozenset(
    {
        *("billing_cycle_anchor", "expand", "items", "off_session"),
        *("payment_behavior", "proration_behavior", "proration_date", "trial_end"),
    }
)
PERIOD_WORDS = frozenset({"min_period_end", "max_period_end", "max_billed_until"})
PLAIN = ("application_fee_percent", "description", "pause_collection", "payment_settings", "trial_settings")


def create(books: Books, params: dict[str, Any]) -> Object:
    customer = customers.existing(books, params["customer"])
    wanted = [
        (prices.for_sale(books, one.get("price", ""), f"items[{at}][price]"), one.get("quantity", 1))
        for at, one in enumerate(params["items"])
    ]
    check_fee(books, params)
    data = params | ({"trial_end": _instant(params["trial_end"], "trial_end")} if "trial_end" in params else {})
    made = subscription.build(books, customer["id"], wanted, data, params.get("default_payment_method"))
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "error_if_incomplete" and made["status"] != "trialing" and not subscription.collects(books, made):
        raise card_declined("Your card was declined.")
    return subscription.open_with_payment(books, made)


def retrieve(books: Books, _params: dict[str, Any], subscription_id: str) -> Object:
    return books.get("subscription", subscription_id)


def listing(books: Books, params: dict[str, Any]) -> Object:
    found = (
        one
        for one in books.all("subscription", params.get("customer"))
        if _has_status(one, params.get("status"))
        and ("price" not in params or params["price"] in {item["price"]["id"] for item in one["items"]["data"]})
        and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/subscriptions")


def update(books: Books, params: dict[str, Any], subscription_id: str) -> Object:
    before = living(books, subscription_id)
    _check_pending(params)
    check_fee(books, params)
    after = _ending(books, before, params) | {name: params[name] for name in PLAIN if name in params}
    after["metadata"] = merged(before["metadata"], params.get("metadata"))
    if "default_payment_method" in params:
        after["default_payment_method"] = books.get("payment_method", params["default_payment_method"])["id"]
    after = _trial(books, after, params)
    if "items" in params:
        after = subscription.with_items(after, changes.items_after(books, after, params["items"]))
    anchor_now = params.get("billing_cycle_anchor", {}).get("type") == "now"
    terms = changes.Terms(
        params.get("proration_behavior", "create_prorations"),
        params.get("payment_behavior", "allow_incomplete"),
        anchor_now,
        params.get("proration_date"),
    )
    changed = changes.apply(books, before, after, terms)
    if params.get("trial_end") == "now" and before["status"] == "trialing":
        return lifecycle.end_trial(books, changed)
    return changed


def cancel(books: Books, params: dict[str, Any], subscription_id: str) -> Object:
    """At once; `prorate` with `invoice_now` puts what was not used on the customer's credit."""
    before = living(books, subscription_id)
    if params.get("prorate") and before["status"] in {"active", "past_due"}:
        lines = [*before["_sandbox"]["prorations"], *prorations.refund(before, books.now)]
        before = subscription.noted(before, prorations=lines)
        if params.get("invoice_now"):
            invoice = invoices.collect(books, invoices.draw(books, before, lines, "subscription_update"), before)
            before = subscription.noted(before | {"latest_invoice": invoice["id"]}, prorations=[])
    said = params.get("cancellation_details", {})
    before = before | {"cancellation_details": before["cancellation_details"] | said, "canceled_at": books.now}
    return ending.end(books, before, "cancellation_requested")


def pause(books: Books, _params: dict[str, Any], subscription_id: str) -> Object:
    before = living(books, subscription_id)
    if before["status"] == "paused":
        raise Refusal("This subscription is paused already.")
    return lifecycle.pause(books, before, "pause_requested")


def resume(books: Books, params: dict[str, Any], subscription_id: str) -> Object:
    """A paused subscription starts a new period now, which must be paid, or goes on in the old one."""
    before = living(books, subscription_id)
    if before["status"] != "paused":
        raise Refusal("You can only resume subscriptions that are `paused`.")
    if not subscription.collects(books, before):
        raise Refusal("This customer has no attached payment source.", code="resource_missing")
    after = before | {"status": "active", "status_details": None}
    if params.get("billing_cycle_anchor", {"type": "now"})["type"] == "now" or period_end(before) <= books.now:
        end = next_end(books.now, books.now, subscription.recurring_of(before))
        after = subscription.with_period(after, books.now, end) | {"billing_cycle_anchor": books.now}
        invoice = invoices.draw(books, after, subscription.period_lines(after), "subscription_update")
        after["latest_invoice"] = invoices.collect(books, invoice, after)["id"]
    books.change(before, after, "customer.subscription.updated")
    books.emit("customer.subscription.resumed", after)
    return after


def living(books: Books, subscription_id: str) -> Object:
    """A subscription that has not ended; an ended one is refused like one that never was, as Stripe does."""
    found = books.get("subscription", subscription_id)
    if found["status"] in ending.ENDED:
        raise Refusal(f"No such subscription: '{subscription_id}'", status=404, code="resource_missing", param="id")
    return found


def retrieve_item(books: Books, _params: dict[str, Any], item_id: str) -> Object:
    for one in books.all("subscription"):
        for item in one["items"]["data"]:
            if item["id"] == item_id:
                found: Object = item
                return found
    return books.get("subscription_item", item_id)


def list_items(books: Books, params: dict[str, Any]) -> Object:
    found = books.get("subscription", params["subscription"], "subscription")
    return lists.page(found["items"]["data"], params, "/v1/subscription_items")


def pay_invoice(books: Books, _params: dict[str, Any], invoice_id: str) -> Object:
    """`POST /v1/invoices/{id}/pay`, which also brings its subscription back."""
    invoice, owing = invoices.payable(books, invoice_id)
    paid = invoices.pay(books, invoice)
    settle(books, owing, invoice_id)
    return paid


def settle(books: Books, owing: Object, invoice_id: str) -> None:
    """What the payment of its latest invoice does to a subscription."""
    if owing["latest_invoice"] != invoice_id or owing["status"] in ending.ENDED:
        return
    if owing["pending_update"] is not None:
        changes.apply_pending(books, owing)
    elif owing["status"] in {"past_due", "unpaid", "incomplete"}:
        lifecycle.recovered(books, owing, owing)


def check_fee(books: Books, params: dict[str, Any]) -> None:
    percent = params.get("application_fee_percent")
    if percent is None:
        return
    if not 0 <= percent <= 100:
        raise invalid("Invalid application_fee_percent: must be between 0 and 100", "application_fee_percent")
    if not books.connected:
        raise Refusal(
            "You can only apply an application_fee_percent when the request is made on behalf of a connected account.",
            param="application_fee_percent",
        )


def _has_status(one: Object, status: str | None) -> bool:
    """Without a status everything but the canceled; `ended` is both terminal ones."""
    if status == "ended":
        return one["status"] in ending.ENDED
    if status is None:
        return bool(one["status"] != "canceled")
    return status in {"all", one["status"]}


def _check_pending(params: dict[str, Any]) -> None:
    if params.get("payment_behavior") != "pending_if_incomplete":
        return
    for name in params:
        if name not in PENDING_ALLOWS:
            raise invalid(f"`{name}` can't be changed with `payment_behavior=pending_if_incomplete`.", name)


def _ending(books: Books, before: Object, params: dict[str, Any]) -> Object:
    """Will it end, and when? Either parameter says it, and each undoes the other's answer."""
    if "cancel_at_period_end" in params and "cancel_at" in params:
        raise invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at")
    if "cancel_at_period_end" in params:
        ends = bool(params["cancel_at_period_end"])
        at = period_end(before) if ends else None
        return will_end(before, at, books.now, at_period_end=ends) | _said(before, params, at)
    if "cancel_at" in params:
        given = params["cancel_at"]
        at = period_end(before) if given in PERIOD_WORDS else (_instant(given, "cancel_at") if given else None)
        return will_end(before, at, books.now) | _said(before, params, at)
    return before | _said(before, params, before["cancel_at"])


def will_end(before: Object, at: int | None, now: int, *, at_period_end: bool = False) -> Object:
    """Set to end at an instant, or not to end after all."""
    reason = None if at is None else "cancellation_requested"
    return before | {
        "cancel_at": at,
        "cancel_at_period_end": at_period_end,
        "canceled_at": None if at is None else now,
        "cancellation_details": before["cancellation_details"] | {"reason": reason},
    }


def _said(before: Object, params: dict[str, Any], at: int | None) -> Object:
    """What the customer said about leaving, beside the reason."""
    reason = None if at is None else "cancellation_requested"
    said = params.get("cancellation_details", {})
    return {"cancellation_details": before["cancellation_details"] | {"reason": reason} | said}


def _trial(books: Books, after: Object, params: dict[str, Any]) -> Object:
    given = params.get("trial_end")
    if given is None:
        return after
    if given == "now":
        # The trial's end is the period's end: moving both to now lets the renewal begin the first paid period.
        moved = subscription.with_period(after, after["items"]["data"][0]["current_period_start"], books.now)
        return moved | {"trial_end": books.now, "billing_cycle_anchor": books.now}
    at = _instant(given, "trial_end")
    if at <= books.now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future", "trial_end")
    moved = subscription.with_period(after, books.now, at)
    return moved | {"status": "trialing", "trial_start": books.now, "trial_end": at, "billing_cycle_anchor": at}


def _instant(value: str, name: str) -> int:
    if not value.isdigit():
        raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)

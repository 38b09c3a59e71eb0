"""What happens to subscriptions and checkouts by themselves as time passes. The clock's ticks and `advance` call it.

trialing → active | past_due | paused | canceled    at the trial's end
active → active | past_due                          at each renewal
past_due → active | canceled | unpaid | past_due    at each retry, after the last as the account's settings say
any living → canceled                               at cancel_at
incomplete → incomplete_expired                     23 hours after its creation
"""

from infra.sandbox.stripe import ending, invoices
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.due import DAY, period_end, trial_notice_at
from infra.sandbox.stripe.errors import Object
from infra.sandbox.stripe.intervals import next_end
from infra.sandbox.stripe.subscription import collects, noted, period_lines, recurring_of, with_period

SETTINGS = "dunning"
DEFAULT_SETTINGS: Object = {"retry_days": [3, 5, 7], "final": "canceled"}


def step(books: Books, thing: Object) -> None:
    """The one thing that is due at `books.now`; it must move the object's due time, or this would never end."""
    if thing["object"] == "checkout.session":
        expire_checkout(books, thing)
    else:
        _step_subscription(books, thing)


def expire_checkout(books: Books, session: Object) -> Object:
    return books.create(session | {"status": "expired", "url": None}, "checkout.session.expired")


def _step_subscription(books: Books, subscription: Object) -> None:
    now, pending = books.now, subscription["pending_update"]
    notice = trial_notice_at(subscription)
    if subscription["status"] == "incomplete":
        _expire(books, subscription)
    elif subscription["cancel_at"] is not None and subscription["cancel_at"] <= now:
        ending.end(books, subscription, "cancellation_requested")
    elif notice is not None and notice <= now:
        told = books.create(noted(subscription, trial_notice=True))
        books.emit("customer.subscription.trial_will_end", told)
    elif pending is not None and pending["expires_at"] <= now:
        books.create(subscription | {"pending_update": None}, "customer.subscription.pending_update_expired")
    elif subscription["status"] == "trialing":
        end_trial(books, subscription)
    elif period_end(subscription) <= now:
        renew(books, subscription)
    else:
        retry(books, subscription)


def _expire(books: Books, subscription: Object) -> None:
    invoice = books.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoices.set_aside(books, invoice, "void")
    ending.end(books, subscription, "payment_failed", "incomplete_expired")


def end_trial(books: Books, subscription: Object) -> Object:
    """Charge for the first period, or do what the trial's settings say when there is nothing to charge."""
    missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if missing != "create_invoice" and not _has_method(books, subscription):
        return _end_without_method(books, subscription, missing)
    return renew(books, subscription)


def _end_without_method(books: Books, subscription: Object, behavior: str) -> Object:
    if behavior == "cancel":
        return ending.end(books, subscription, "payment_failed")
    return pause(books, subscription, "trial_end_without_payment_method")


def pause(books: Books, subscription: Object, why: str) -> Object:
    details = {"paused": {"subscription": {"type": why}}}
    after = subscription | {"status": "paused", "status_details": details}
    books.change(subscription, after, "customer.subscription.updated")
    books.emit("customer.subscription.paused", after)
    return after


def renew(books: Books, subscription: Object) -> Object:
    """The next period: a new invoice with what was left from changes, and an attempt to collect it."""
    start = period_end(subscription)
    end = next_end(subscription["billing_cycle_anchor"], start, recurring_of(subscription))
    status = "active" if subscription["status"] == "trialing" else subscription["status"]
    after = noted(with_period(subscription, start, end) | {"status": status}, prorations=[])
    # The invoice is drawn for the new period, so it is the new state that its lines are made from.
    books.put(after)
    lines = [*subscription["_sandbox"]["prorations"], *period_lines(after)]
    invoice = invoices.draw(books, after, lines, "subscription_cycle")
    return _collect_cycle(books, subscription, after | {"latest_invoice": invoice["id"]}, invoice)


def _collect_cycle(books: Books, before: Object, after: Object, invoice: Object) -> Object:
    behavior = (after["pause_collection"] or {}).get("behavior")
    if behavior is not None or after["status"] == "unpaid":
        aside = {"void": "void", "mark_uncollectible": "uncollectible"}.get(behavior or "", "draft")
        invoices.set_aside(books, invoice, aside)
        return books.change(before, after, "customer.subscription.updated")
    return _attempt(books, before, after, invoice)


def retry(books: Books, subscription: Object) -> Object:
    invoice = books.get("invoice", subscription["latest_invoice"])
    if invoice["status"] != "open":
        return books.create(noted(subscription, retry_at=None))
    return _attempt(books, subscription, subscription, invoice)


def _attempt(books: Books, before: Object, after: Object, invoice: Object) -> Object:
    """Collect; a failure makes it past due, and the last one what the account's settings say."""
    settings = books.store.setting(SETTINGS, DEFAULT_SETTINGS)
    retries = after["_sandbox"]["retries"] if invoice["attempt_count"] else 0
    days = settings["retry_days"]
    retry_at = books.now + days[retries] * DAY if retries < len(days) else None
    invoice = invoices.collect(books, invoice, after, retry_at=retry_at)
    if invoice["status"] == "paid":
        return recovered(books, before, after)
    after = noted(after | {"status": "past_due"}, retries=retries + 1, retry_at=retry_at)
    if retry_at is not None:
        return books.change(before, after, "customer.subscription.updated")
    return _give_up(books, before, after, settings["final"])


def recovered(books: Books, before: Object, after: Object) -> Object:
    """Paid: whatever it owed, it is active again."""
    paid = noted(after | {"status": "active"}, retries=0, retry_at=None)
    return books.change(before, paid, "customer.subscription.updated")


def _give_up(books: Books, before: Object, after: Object, final: str) -> Object:
    if final == "canceled":
        return ending.end(books, after, "payment_failed")
    return books.change(before, after | {"status": final}, "customer.subscription.updated")


def _has_method(books: Books, subscription: Object) -> bool:
    customer = books.get("customer", subscription["customer"])
    own = subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    return own is not None or collects(books, subscription)

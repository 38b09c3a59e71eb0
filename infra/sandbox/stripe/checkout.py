"""Checkout sessions: `/v1/checkout/sessions`, and what paying on the hosted page makes of one."""

from typing import Any

from infra.sandbox.stripe import cards, customers, lifecycle, lists, prices, subscription, subscriptions
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.due import DAY
from infra.sandbox.stripe.errors import Object, Refusal, invalid, missing_parameter, not_modelled
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.metadata import merged

SHORTEST_SECONDS, LONGEST_SECONDS = 1800, DAY
TRIAL_AHEAD_SECONDS = 2 * DAY
LONGEST_REFERENCE = 200
LONGEST_TRIAL_DAYS = 730


def create(books: Books, params: dict[str, Any]) -> Object:
    _check(books, params)
    wanted = [_line(books, one, at) for at, one in enumerate(params["line_items"])]
    session_id = fresh("checkout.session")
    data = params.get("subscription_data", {})
    total = 0 if subscription.trial_end_of(books, data) else sum(one["amount_total"] for one in wanted)
    email = params.get("customer_email")
    session: Object = {
        "id": session_id,
        "object": "checkout.session",
        **_as_given(params),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "client_secret": None,
        "created": books.now,
        "currency": wanted[0]["currency"],
        "custom_fields": [],
        "custom_text": {},
        "customer_details": {"email": email, "name": None, "phone": None} if email else None,
        "expires_at": params.get("expires_at", books.now + LONGEST_SECONDS),
        "invoice": None,
        "livemode": False,
        "metadata": merged({}, params.get("metadata")),
        "mode": "subscription",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get("payment_method_collection", "always"),
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "setup_intent": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": f"{books.base}/c/pay/{session_id}",
        "_line_items": wanted,
        "_subscription_data": data,
    }
    return books.create(session)


def retrieve(books: Books, _params: dict[str, Any], session_id: str) -> Object:
    return books.get("checkout.session", session_id)


def listing(books: Books, params: dict[str, Any]) -> Object:
    email = params.get("customer_details", {}).get("email")
    found = (
        one
        for one in books.all("checkout.session", params.get("customer"))
        if params.get("status") in {None, one["status"]}
        and params.get("subscription") in {None, one["subscription"]}
        and email in {None, (one["customer_details"] or {}).get("email")}
        and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/checkout/sessions")


def expire(books: Books, _params: dict[str, Any], session_id: str) -> Object:
    session = books.get("checkout.session", session_id)
    if session["status"] != "open":
        raise Refusal('Only Checkout Sessions with a status in ["open"] can be expired.', param="session")
    return lifecycle.expire_checkout(books, session)


def line_items(books: Books, params: dict[str, Any], session_id: str) -> Object:
    session = books.get("checkout.session", session_id)
    return lists.page(session["_line_items"], params, f"/v1/checkout/sessions/{session_id}/line_items")


def wants_card(session: Object) -> bool:
    return bool(session["payment_method_collection"] == "always" or session["amount_total"])


def complete(books: Books, session: Object, email: str | None, number: str | None) -> Object:
    """A person has paid: customer, subscription and first invoice come into being, then the session is complete."""
    digits = cards.shown_card(number or "") if wants_card(session) else None
    customer = customers.existing(books, session["customer"]) if session["customer"] else customers.new(books, email)
    method = cards.attach(books, customer, digits) if digits else None
    wanted = [(prices.retrieve(books, {}, one["price"]["id"]), one["quantity"]) for one in session["_line_items"]]
    built = subscription.build(
        books, customer["id"], wanted, session["_subscription_data"], method["id"] if method else None
    )
    made = subscription.open_with_payment(books, built, paid_on_page=True)
    completed = session | {
        "customer": customer["id"],
        "customer_details": {"email": customer["email"], "name": customer["name"], "phone": customer["phone"]},
        "invoice": made["latest_invoice"],
        "payment_status": "no_payment_required" if made["status"] == "trialing" else "paid",
        "status": "complete",
        "subscription": made["id"],
        "url": None,
    }
    return books.create(completed, "checkout.session.completed")


def success_url(session: Object) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _as_given(params: dict[str, Any]) -> Object:
    names = ("allow_promotion_codes", "billing_address_collection", "cancel_url", "client_reference_id", "customer")
    return {name: params.get(name) for name in (*names, "customer_email", "locale", "return_url", "success_url")}


def _line(books: Books, wanted: dict[str, Any], at: int) -> Object:
    if "price" not in wanted:
        raise missing_parameter(f"line_items[{at}][price]")
    if wanted.get("quantity", 0) < 1:
        raise invalid("Quantity is required and must be at least 1.", f"line_items[{at}][quantity]")
    price = prices.for_sale(books, wanted["price"], f"line_items[{at}][price]")
    amount = price["unit_amount"] * wanted["quantity"]
    return {
        "id": "li_" + fresh("line_item").removeprefix("il_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": books.get("product", price["product"])["name"],
        "price": price,
        "quantity": wanted["quantity"],
    }


def _check(books: Books, params: dict[str, Any]) -> None:
    """What is refused before anything is made."""
    if params["mode"] != "subscription":
        raise not_modelled(f"mode={params['mode']}")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_modelled(f"ui_mode={params['ui_mode']}")
    if not params.get("line_items"):
        raise missing_parameter("line_items")
    if "customer_creation" in params:
        raise invalid("`customer_creation` can only be used in `payment` and `setup` mode.", "customer_creation")
    _check_person(books, params)
    _check_urls(params)
    if "discounts" in params and "allow_promotion_codes" in params:
        raise invalid("You may only specify one of these parameters: allow_promotion_codes, discounts.", "discounts")
    if "discounts" in params:
        raise not_modelled("discounts")
    ahead = params.get("expires_at", books.now + LONGEST_SECONDS) - books.now
    # A minute's leniency: the caller's clock is not ours.
    if not SHORTEST_SECONDS - 60 <= ahead <= LONGEST_SECONDS + 60:
        raise invalid("The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", "expires_at")
    _check_data(books, params.get("subscription_data", {}))


def _check_person(books: Books, params: dict[str, Any]) -> None:
    if "customer" in params and "customer_email" in params:
        raise invalid("You may only specify one of these parameters: customer, customer_email.", "customer")
    if "customer" in params:
        customers.existing(books, params["customer"])
    if "customer_email" in params and "@" not in params["customer_email"]:
        raise invalid(f"Invalid email address: {params['customer_email']}", "customer_email", "email_invalid")
    if len(params.get("client_reference_id", "")) > LONGEST_REFERENCE:
        raise invalid("client_reference_id must be at most 200 characters.", "client_reference_id")


def _check_urls(params: dict[str, Any]) -> None:
    if "success_url" not in params:
        raise missing_parameter("success_url")
    for name in ("success_url", "cancel_url"):
        if not params.get(name, "https://").startswith(("https://", "http://")):
            raise invalid("Not a valid URL", name, "url_invalid")


def _check_data(books: Books, data: dict[str, Any]) -> None:
    subscriptions.check_fee(books, data)
    at = "subscription_data"
    if "trial_end" in data and "trial_period_days" in data:
        raise invalid("You may only specify one of these parameters: trial_end, trial_period_days.", f"{at}[trial_end]")
    if not 1 <= data.get("trial_period_days", 1) <= LONGEST_TRIAL_DAYS:
        raise invalid("The minimum number of trial period days is 1.", f"{at}[trial_period_days]")
    if "trial_end" in data and data["trial_end"] < books.now + TRIAL_AHEAD_SECONDS:
        raise invalid("The `trial_end` date has to be at least 2 days in the future.", f"{at}[trial_end]")
    if "billing_cycle_anchor" in data:
        raise not_modelled(f"{at}[billing_cycle_anchor]")

"""Invoices: drawn for a subscription, finalized, charged. `/v1/invoices` reads them; the lifecycle makes them."""

from typing import Any

from infra.sandbox.stripe import cards, charges, lists
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object, Refusal, card_declined
from infra.sandbox.stripe.ids import fresh


def line(
    subscription: Object,
    item: Object,
    amount: int,
    description: str,
    period: tuple[int, int],
    *,
    proration: bool = False,
) -> Object:
    """One line of an invoice, for an item of a subscription."""
    price = item["price"]
    return {
        "id": fresh("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "discountable": not proration,
        "discounts": [],
        "livemode": False,
        "metadata": subscription["metadata"],
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {
                "proration": proration,
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
        },
        "period": {"start": period[0], "end": period[1]},
        "pricing": {"type": "price_details", "price_details": {"price": price["id"], "product": price["product"]}},
        "quantity": item["quantity"],
        "subtotal": amount,
    }


def draw(books: Books, subscription: Object, lines: list[Object], reason: str) -> Object:
    """A finalized invoice over these lines, from which the customer's credit is taken first."""
    customer = books.get("customer", subscription["customer"])
    total = sum(one["amount"] for one in lines)
    credit = customer.get("balance", 0)
    due = max(0, total + credit)
    invoice: Object = {
        "id": fresh("invoice"),
        "object": "invoice",
        **_amounts(total, due),
        **_untouched(),
        "billing_reason": reason,
        "created": books.now,
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "ending_balance": total + credit - due,
        "lines": lists.whole([one | {"invoice": None} for one in lines], ""),
        "number": _number(books, customer),
        "parent": {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {"metadata": subscription["metadata"], "subscription": subscription["id"]},
        },
        "period_end": max(one["period"]["end"] for one in lines),
        "period_start": min(one["period"]["start"] for one in lines),
        "starting_balance": credit,
        "status": "open",
        "status_transitions": {
            "finalized_at": books.now,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
    }
    invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
    for one in invoice["lines"]["data"]:
        one["invoice"] = invoice["id"]
    if invoice["ending_balance"] != credit:
        books.change(customer, customer | {"balance": invoice["ending_balance"]}, "customer.updated")
    books.create(invoice, "invoice.created")
    books.emit("invoice.finalized", invoice)
    return invoice


def _untouched() -> Object:
    """What every invoice starts with."""
    return {
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "collection_method": "charge_automatically",
        "default_payment_method": None,
        "description": None,
        "discounts": [],
        "due_date": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
    }


def collect(
    books: Books, invoice: Object, subscription: Object, *, sure: bool = False, retry_at: int | None = None
) -> Object:
    """One attempt to charge an open invoice; `sure` when a person has just paid on a page."""
    if invoice["amount_remaining"] == 0 or sure or cards.charges(books, subscription):
        return pay(books, invoice)
    failed = invoice | {
        "attempt_count": invoice["attempt_count"] + 1,
        "attempted": True,
        "next_payment_attempt": retry_at,
    }
    return books.create(failed, "invoice.payment_failed")


def pay(books: Books, invoice: Object) -> Object:
    paid = invoice | {
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "attempt_count": invoice["attempt_count"] + (1 if invoice["amount_due"] else 0),
        "attempted": True,
        "auto_advance": False,
        "next_payment_attempt": None,
        "status": "paid",
        "status_transitions": invoice["status_transitions"] | {"paid_at": books.now},
    }
    if paid["amount_paid"]:
        charges.take(books, paid)
    books.create(paid, "invoice.paid")
    books.emit("invoice.payment_succeeded", paid)
    return paid


def set_aside(books: Books, invoice: Object, status: str) -> Object:
    """Not collected: a draft, void or uncollectible invoice, as a paused collection or a final failure leaves it."""
    events = {"void": "invoice.voided", "uncollectible": "invoice.marked_uncollectible", "draft": "invoice.updated"}
    return books.create(
        invoice | {"status": status, "auto_advance": False, "next_payment_attempt": None}, events[status]
    )


def retrieve(books: Books, _params: dict[str, Any], invoice_id: str) -> Object:
    return books.get("invoice", invoice_id)


def listing(books: Books, params: dict[str, Any]) -> Object:
    found = (
        one
        for one in books.all("invoice", params.get("customer"))
        if params.get("status") in {None, one["status"]}
        and params.get("subscription") in {None, subscription_of(one)}
        and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/invoices")


def subscription_of(invoice: Object) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])


def payable(books: Books, invoice_id: str) -> tuple[Object, Object]:
    """An open invoice with its subscription, which can be charged; else the refusal."""
    invoice = books.get("invoice", invoice_id)
    if invoice["status"] == "paid":
        raise Refusal("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] != "open":
        raise Refusal(f"Invoice is {invoice['status']} and can't be paid.", code="invoice_not_editable")
    subscription = books.get("subscription", subscription_of(invoice))
    if invoice["amount_remaining"] and not cards.charges(books, subscription):
        raise card_declined(cards.DECLINED)
    return invoice, subscription


def _amounts(total: int, due: int) -> Object:
    return {
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": due,
        "amount_shipping": 0,
        "subtotal": total,
        "total": total,
    }


def _number(books: Books, customer: Object) -> str:
    return f"{customer.get('invoice_prefix', 'SANDBOX')}-{len(books.all('invoice', customer['id'])) + 1:04d}"

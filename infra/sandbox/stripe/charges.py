"""Charges: what paying an invoice takes from a card, and which invoice a payment was for. `invoices` makes them.

Since basil an invoice names no charge: a charge has a payment intent, and `/v1/invoice_payments` lists whose that is.
"""

from typing import Any

from infra.sandbox.stripe import lists
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object
from infra.sandbox.stripe.ids import fresh


def take(books: Books, invoice: Object) -> Object:
    """The charge for a paid invoice, and the payment that links the two."""
    intent, amount = fresh("payment_intent"), invoice["amount_paid"]
    charge: Object = {
        "id": fresh("charge"),
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "captured": True,
        "created": books.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": None,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": intent,
        "refunded": False,
        "status": "succeeded",
    }
    payment: Object = {
        "id": fresh("invoice_payment"),
        "object": "invoice_payment",
        "amount_paid": amount,
        "amount_requested": amount,
        "created": books.now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": intent},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": books.now},
    }
    books.create(charge, "charge.succeeded")
    books.create(payment, "invoice_payment.paid")
    return charge


def retrieve(books: Books, _params: dict[str, Any], charge_id: str) -> Object:
    return books.get("charge", charge_id)


def listing(books: Books, params: dict[str, Any]) -> Object:
    found = (
        one
        for one in books.all("charge", params.get("customer"))
        if params.get("payment_intent") in {None, one["payment_intent"]} and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/charges")


def list_payments(books: Books, params: dict[str, Any]) -> Object:
    intent = params.get("payment", {}).get("payment_intent")
    found = (
        one
        for one in books.all("invoice_payment")
        if params.get("invoice") in {None, one["invoice"]}
        and intent in {None, one["payment"]["payment_intent"]}
        and params.get("status") in {None, one["status"]}
        and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/invoice_payments")

"""Test cards and payment methods: what a card does when it is attached, paid with, and charged later.

The hosted pages attach cards by number, the API by Stripe's `pm_card_…` names.
"""

from dataclasses import dataclass
from typing import Any

from infra.sandbox.stripe.books import Books, public
from infra.sandbox.stripe.errors import Object, Refusal, card_declined, unknown_object
from infra.sandbox.stripe.ids import fresh

DECLINED = "Your card was declined."
POOR = "Your card has insufficient funds."


@dataclass(frozen=True, slots=True)
class Card:
    """`refuses` is what a person is told who pays with it on a page; `works` says whether later charges succeed."""

    brand: str
    works: bool
    refuses: str | None = None


CARDS = {
    "4242424242424242": Card("visa", works=True),
    "5555555555554444": Card("mastercard", works=True),
    "4000000000000002": Card("visa", works=False, refuses=DECLINED),
    "4000000000009995": Card("visa", works=False, refuses=POOR),
    "4000000000000341": Card("visa", works=False),
}
NAMES = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_chargeDeclined": "4000000000000002",
}


def shown_card(number: str) -> str:
    """The number's digits, or the refusal of one that isn't a test card or is declined when it is entered."""
    digits = "".join(number.split()).replace("-", "")
    card = CARDS.get(digits)
    if card is None:
        raise card_declined("Your card number is not one of the test cards. Use 4242 4242 4242 4242.")
    if card.refuses is not None:
        raise card_declined(card.refuses)
    return digits


def attach(books: Books, customer: Object, digits: str) -> Object:
    """A new payment method of a customer, which becomes the one invoices are charged to."""
    method: Object = {
        "id": fresh("payment_method"),
        "object": "payment_method",
        "billing_details": {"address": None, "email": customer["email"], "name": customer["name"], "phone": None},
        "card": {"brand": CARDS[digits].brand, "exp_month": 12, "exp_year": 2040, "funding": "credit"}
        | {"last4": digits[-4:]},
        "created": books.now,
        "customer": customer["id"],
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_sandbox": {"number": digits},
    }
    return books.create(method, "payment_method.attached")


def charges(books: Books, subscription: Object) -> bool:
    """Whether a charge for this subscription succeeds now."""
    method = method_of(books, subscription)
    return method is not None and CARDS[method["_sandbox"]["number"]].works


def method_of(books: Books, subscription: Object) -> Object | None:
    """The subscription's own payment method, else the customer's."""
    own = subscription["default_payment_method"]
    if own is None:
        customer = books.find("customer", subscription["customer"])
        own = customer["invoice_settings"]["default_payment_method"] if customer and "email" in customer else None
    return books.find("payment_method", own) if own else None


def attach_named(books: Books, params: dict[str, Any], name: str) -> Object:
    """`POST /v1/payment_methods/{name}/attach`."""
    customer = books.get("customer", params["customer"], "customer")
    return public(attach(books, customer, digits_of(name)))


def digits_of(name: str) -> str:
    """The card behind a `pm_card_…` name; such a one that is declined can't be attached."""
    digits = NAMES.get(name)
    if digits is None:
        raise unknown_object("payment_method", name)
    refuses = CARDS[digits].refuses
    if refuses is not None:
        raise Refusal(refuses, status=402, kind="card_error", code="card_declined")
    return digits


def retrieve(books: Books, _params: dict[str, Any], method_id: str) -> Object:
    return books.get("payment_method", method_id)

"""Refunds of charges: `/v1/refunds`, and what a bank may do to one later, which `control` orders."""

from typing import Any

from infra.sandbox.stripe import lists
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object, Refusal, missing_parameter, unknown_object
from infra.sandbox.stripe.ids import fresh


def create(books: Books, params: dict[str, Any]) -> Object:
    charge = _charge(books, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if not left:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= left:
        raise Refusal(
            f"Refund amount ({amount}) is not between 1 and what is left of the charge ({left}).", param="amount"
        )
    refund: Object = {
        "id": fresh("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "destination_details": {"type": "card"},
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "status": "succeeded",
    }
    books.create(refund, "refund.created")
    _refunded(books, charge, amount)
    return refund


def fail(books: Books, refund_id: str) -> Object:
    """As a bank that does not take the money: it comes back to the account."""
    refund = books.get("refund", refund_id)
    if refund["status"] == "failed":
        raise Refusal("This refund has failed already.")
    failed = books.create(refund | {"status": "failed", "failure_reason": "lost_or_stolen_card"}, "refund.updated")
    books.emit("refund.failed", failed)
    charge = books.get("charge", refund["charge"])
    left = charge["amount_refunded"] - refund["amount"]
    books.create(charge | {"amount_refunded": left, "refunded": False}, "charge.updated")
    return failed


def retrieve(books: Books, _params: dict[str, Any], refund_id: str) -> Object:
    return books.get("refund", refund_id)


def listing(books: Books, params: dict[str, Any]) -> Object:
    found = (
        one
        for one in books.all("refund")
        if params.get("charge") in {None, one["charge"]}
        and params.get("payment_intent") in {None, one["payment_intent"]}
        and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/refunds")


def _refunded(books: Books, charge: Object, amount: int) -> None:
    refunded = charge["amount_refunded"] + amount
    after = charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    books.change(charge, after, "charge.refunded")


def _charge(books: Books, params: dict[str, Any]) -> Object:
    if "charge" in params:
        return books.get("charge", params["charge"], "charge")
    intent = params.get("payment_intent")
    if intent is None:
        raise missing_parameter("charge")
    for charge in books.all("charge"):
        if charge["payment_intent"] == intent:
            return charge
    raise unknown_object("payment_intent", intent, "payment_intent")

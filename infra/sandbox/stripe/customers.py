"""Customers: `/v1/customers`, and the customer that Checkout makes for an e-mail address."""

import re
from typing import Any

from infra.sandbox.stripe import cards, ending, lists
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object, Refusal, unknown_object
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.metadata import merged

PLAIN = ("address", "description", "email", "name", "phone", "preferred_locales", "shipping")
CLAUSE = re.compile(r"""(email|name|metadata\[['"]([^'"]+)['"]\])\s*:\s*['"]([^'"]*)['"]""")


def new(books: Books, email: str | None) -> Object:
    """A customer with nothing but an address, told of as created."""
    return books.create(_blank(books) | {"email": email}, "customer.created")


def create(books: Books, params: dict[str, Any]) -> Object:
    customer = _changed(_blank(books), params)
    books.put(customer)
    if "payment_method" in params:
        _pay_with(books, customer, cards.digits_of(params["payment_method"]))
    return books.create(customer, "customer.created")


def retrieve(books: Books, _params: dict[str, Any], customer_id: str) -> Object:
    return books.get("customer", customer_id)


def update(books: Books, params: dict[str, Any], customer_id: str) -> Object:
    before = existing(books, customer_id, "id")
    return books.change(before, _changed(before, params), "customer.updated")


def delete(books: Books, _params: dict[str, Any], customer_id: str) -> Object:
    """Deleted customers stay as a stub; their subscriptions end at once."""
    customer = existing(books, customer_id, "id")
    for subscription in books.all("subscription", customer_id):
        if subscription["status"] not in ending.ENDED:
            ending.end(books, subscription, "cancellation_requested")
    gone = {"id": customer_id, "object": "customer", "deleted": True}
    books.put(gone)
    books.emit("customer.deleted", customer)
    return gone


def listing(books: Books, params: dict[str, Any]) -> Object:
    found = (
        one
        for one in _living(books)
        if params.get("email") in {None, one["email"]} and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/customers")


def search(books: Books, params: dict[str, Any]) -> Object:
    """Only what is asked of it here: `email:'x'`, `name:'x'`, `metadata['k']:'v'`, joined by AND."""
    clauses = [CLAUSE.fullmatch(part.strip()) for part in re.split(r"\s+AND\s+", params["query"])]
    if any(clause is None for clause in clauses):
        raise Refusal(f"We were unable to parse your search query: {params['query']}", param="query")
    found = [one for one in _living(books) if all(clause is not None and _matches(one, clause) for clause in clauses)]
    page = lists.page(found, {"limit": params.get("limit", 10)}, "/v1/customers/search")
    return page | {"object": "search_result", "next_page": None}


def existing(books: Books, customer_id: str, param: str = "customer") -> Object:
    """A customer that was not deleted."""
    customer = books.get("customer", customer_id, param)
    if customer.get("deleted"):
        raise unknown_object("customer", customer_id, param)
    return customer


def _pay_with(books: Books, customer: Object, digits: str) -> None:
    method = cards.attach(books, customer, digits)
    customer["invoice_settings"]["default_payment_method"] = method["id"]


def _living(books: Books) -> list[Object]:
    return [one for one in books.all("customer") if not one.get("deleted")]


def _matches(customer: Object, clause: re.Match[str]) -> bool:
    field, key, wanted = clause[1], clause[2], clause[3]
    return bool((customer["metadata"].get(key) if key else customer[field]) == wanted)


def _changed(before: Object, params: dict[str, Any]) -> Object:
    after = before | {name: params[name] for name in PLAIN if name in params}
    after["metadata"] = merged(before["metadata"], params.get("metadata"))
    after["invoice_settings"] = before["invoice_settings"] | params.get("invoice_settings", {})
    return after


def _blank(books: Books) -> Object:
    return {
        "id": fresh("customer"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": books.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": fresh("code")[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }

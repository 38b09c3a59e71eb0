"""`expand[]`: replaces ids in an answer by the objects they name. `api` calls it on every answer."""

from typing import Any

from infra.sandbox.stripe.books import Books, public
from infra.sandbox.stripe.errors import Object, invalid

DEEPEST = 4
# Which fields hold ids, and of what; everything else can't be expanded.
TARGETS = {
    "charge": "charge",
    "configuration": "billing_portal.configuration",
    "customer": "customer",
    "default_payment_method": "payment_method",
    "default_price": "price",
    "invoice": "invoice",
    "latest_invoice": "invoice",
    "product": "product",
    "subscription": "subscription",
}


def expanded(books: Books, answer: Object, paths: list[str]) -> Object:
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise invalid("You cannot expand more than 4 levels of a property.", "expand")
        answer = _expand(books, answer, parts, path)
    return answer


def _expand(books: Books, value: Any, parts: list[str], path: str) -> Any:
    if isinstance(value, list):
        return [_expand(books, one, parts, path) for one in value]
    if not parts or value is None:
        return value
    name = parts[0]
    if name == "line_items" and isinstance(value, dict) and value.get("object") == "checkout.session":
        return value | {name: _line_items(books, value)}
    if not isinstance(value, dict) or (name not in value and name not in TARGETS):
        raise _cannot(path)
    inner = value.get(name)
    if isinstance(inner, str):
        if name not in TARGETS:
            raise _cannot(path)
        inner = public(books.get(TARGETS[name], inner))
    return value | {name: _expand(books, inner, parts[1:], path)}


def _line_items(books: Books, session: Object) -> Object:
    items = books.get("checkout.session", session["id"])["_line_items"]
    return {
        "object": "list",
        "data": items,
        "has_more": False,
        "url": f"/v1/checkout/sessions/{session['id']}/line_items",
    }


def _cannot(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", "expand")

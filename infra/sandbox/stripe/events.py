"""Events as the API shows them: `/v1/events`. `books` makes them."""

from typing import Any

from infra.sandbox.stripe import lists
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object, invalid


def retrieve(books: Books, _params: dict[str, Any], event_id: str) -> Object:
    event = books.get("event", event_id)
    return event | {"pending_webhooks": books.outbox.undelivered(books.account, event_id)}


def listing(books: Books, params: dict[str, Any]) -> Object:
    if "type" in params and "types" in params:
        raise invalid("You may only specify one of these parameters: type, types.", "types")
    wanted = params.get("types") or ([params["type"]] if "type" in params else ["*"])
    found = (
        one
        for one in books.all("event")
        if any(_is_of(one["type"], pattern) for pattern in wanted)
        and lists.within(one, params.get("created"))
        and params.get("delivery_success") in {None, books.outbox.undelivered(books.account, one["id"]) == 0}
    )
    return lists.page(found, params, "/v1/events")


def _is_of(event_type: str, pattern: str) -> bool:
    return event_type.startswith(pattern.removesuffix("*")) if pattern.endswith("*") else event_type == pattern

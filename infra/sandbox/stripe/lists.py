"""Pages of a list: newest first, moved through by an object's id. Every list endpoint ends here."""

from collections.abc import Iterable
from typing import Any

from infra.sandbox.stripe.books import public
from infra.sandbox.stripe.errors import Object, Refusal, invalid, unknown_object

DEFAULT_LIMIT, LARGEST_LIMIT = 10, 100
RANGES = ("gt", "gte", "lt", "lte")


def page(found: Iterable[Object], params: dict[str, Any], url: str) -> Object:
    """One page of what was found, which comes newest first."""
    limit = params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise invalid(f"This value must be between 1 and {LARGEST_LIMIT}.", "limit")
    rows = list(found)
    before = params.get("ending_before")
    if before is not None and "starting_after" in params:
        raise invalid("You can only specify one of `starting_after` and `ending_before`.", "ending_before")
    if before is not None:
        rows = rows[: _place(rows, before, "ending_before")]
        shown, more = rows[-limit:], len(rows) > limit
    else:
        start = _place(rows, params["starting_after"], "starting_after") + 1 if "starting_after" in params else 0
        shown, more = rows[start : start + limit], len(rows) > start + limit
    return {"object": "list", "data": [public(row) for row in shown], "has_more": more, "url": url}


def whole(found: Iterable[Object], url: str) -> Object:
    """A list that is part of another object."""
    return {"object": "list", "data": list(found), "has_more": False, "url": url}


def within(thing: Object, asked: Any) -> bool:
    """Whether an object was created at an instant, or inside a range `{"gte": …, "lt": …}`."""
    if asked is None:
        return True
    try:
        limits = {name: int(value) for name, value in asked.items()} if isinstance(asked, dict) else {"at": int(asked)}
    except ValueError:
        raise invalid(f"Invalid timestamp: {asked}", "created") from None
    if "at" in limits:
        return bool(thing["created"] == limits["at"])
    if not set(limits) <= set(RANGES):
        raise invalid("Invalid created: must be a timestamp or a range of gt, gte, lt, lte", "created")
    created = thing["created"]
    return bool(
        created > limits.get("gt", -1)
        and created >= limits.get("gte", 0)
        and created < limits.get("lt", created + 1)
        and created <= limits.get("lte", created)
    )


def _place(rows: list[Object], object_id: str, param: str) -> int:
    for at, row in enumerate(rows):
        if row["id"] == object_id:
            return at
    missing: Refusal = unknown_object("object", object_id, param)
    raise missing

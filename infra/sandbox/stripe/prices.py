"""Prices: `/v1/prices`. An amount never changes; a lookup key belongs to one price and moves when it is transferred."""

import re
from typing import Any

from infra.sandbox.stripe import lists
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object, Refusal, invalid, missing_parameter
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.metadata import merged

LARGEST_AMOUNT = 99_999_999
CURRENCY = re.compile(r"[a-z]{3}")
LONGEST_YEARS = {"day": 1095, "week": 156, "month": 36, "year": 3}


def create(books: Books, params: dict[str, Any]) -> Object:
    if "product" not in params:
        raise missing_parameter("product")
    if "unit_amount" not in params:
        raise missing_parameter("unit_amount")
    books.get("product", params["product"], "product")
    price = {
        "id": fresh("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": books.now,
        "currency": _currency(params["currency"]),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": merged({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": params["product"],
        "recurring": _recurring(params.get("recurring")),
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if "recurring" in params else "one_time",
        "unit_amount": _amount(params["unit_amount"]),
        "unit_amount_decimal": str(params["unit_amount"]),
    }
    _name_by_key(books, price, params)
    return books.create(price, "price.created")


def retrieve(books: Books, _params: dict[str, Any], price_id: str) -> Object:
    return books.get("price", price_id)


def update(books: Books, params: dict[str, Any], price_id: str) -> Object:
    before = books.get("price", price_id)
    after = before | {name: params[name] for name in ("active", "nickname", "tax_behavior") if name in params}
    after["metadata"] = merged(before["metadata"], params.get("metadata"))
    _name_by_key(books, after, params)
    return books.change(before, after, "price.updated")


def listing(books: Books, params: dict[str, Any]) -> Object:
    interval = params.get("recurring", {}).get("interval")
    found = (
        one
        for one in books.all("price", params.get("product"))
        if all(params.get(name) in {None, one[name]} for name in ("active", "currency", "type"))
        and ("lookup_keys" not in params or one["lookup_key"] in params["lookup_keys"])
        and (interval is None or (one["recurring"] is not None and one["recurring"]["interval"] == interval))
        and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/prices")


def for_sale(books: Books, price_id: str, param: str) -> Object:
    """A recurring price that a new subscription may have."""
    price = books.get("price", price_id, param)
    if not price["active"]:
        raise Refusal("The price specified is inactive. This field only accepts active prices.", param=param)
    if not books.get("product", price["product"])["active"]:
        raise Refusal(f"The product of price `{price_id}` is not active.", param=param)
    if price["type"] != "recurring":
        raise Refusal("You must provide at least one recurring price in `subscription` mode.", param=param)
    return price


def of_product(books: Books, price_id: str, product_id: str, param: str) -> Object:
    price = books.get("price", price_id, param)
    if price["product"] != product_id:
        raise Refusal(f"The price `{price_id}` does not belong to the product `{product_id}`.", param=param)
    return price


def _name_by_key(books: Books, price: Object, params: dict[str, Any]) -> None:
    if "lookup_key" not in params:
        return
    key = params["lookup_key"]
    for other in books.all("price") if key else []:
        if other["lookup_key"] != key or other["id"] == price["id"]:
            continue
        if not params.get("transfer_lookup_key"):
            raise Refusal(f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
        books.change(other, other | {"lookup_key": None}, "price.updated")
    price["lookup_key"] = key


def _amount(amount: int) -> int:
    if not 0 <= amount <= LARGEST_AMOUNT:
        raise invalid(f"Invalid integer: must be between 0 and {LARGEST_AMOUNT}", "unit_amount")
    return amount


def _currency(currency: str) -> str:
    lowered = currency.lower()
    if CURRENCY.fullmatch(lowered) is None:
        raise invalid(f"Invalid currency: {currency}. Stripe uses three-letter codes.", "currency")
    return lowered


def _recurring(given: dict[str, Any] | None) -> Object | None:
    if given is None:
        return None
    count = given.get("interval_count", 1)
    if not 1 <= count <= LONGEST_YEARS[given["interval"]]:
        raise invalid("Recurring prices must bill at least once in three years.", "recurring[interval_count]")
    return {
        "interval": given["interval"],
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }

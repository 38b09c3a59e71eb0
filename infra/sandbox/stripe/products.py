"""Products: `/v1/products`."""

from typing import Any

from infra.sandbox.stripe import lists, prices
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object, Refusal
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.metadata import merged

PLAIN = (
    "active",
    "default_price",
    "description",
    "images",
    "marketing_features",
    "name",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)


def create(books: Books, params: dict[str, Any]) -> Object:
    product_id = params.get("id") or fresh("product")
    if books.find("product", product_id) is not None:
        raise Refusal(f"Product already exists: {product_id}", code="resource_already_exists", param="id")
    product = _changed(_blank(books, product_id), params)
    books.put(product)
    if "default_price_data" in params:
        product["default_price"] = prices.create(books, params["default_price_data"] | {"product": product_id})["id"]
    return books.create(product, "product.created")


def retrieve(books: Books, _params: dict[str, Any], product_id: str) -> Object:
    return books.get("product", product_id)


def update(books: Books, params: dict[str, Any], product_id: str) -> Object:
    before = books.get("product", product_id)
    if params.get("default_price"):
        prices.of_product(books, params["default_price"], product_id, "default_price")
    return books.change(before, _changed(before, params) | {"updated": books.now}, "product.updated")


def delete(books: Books, _params: dict[str, Any], product_id: str) -> Object:
    product = books.get("product", product_id)
    if books.all("price", product_id):
        raise Refusal("This product cannot be deleted because it has one or more user-created prices.")
    books.store.sql("DELETE FROM objects WHERE account = ? AND id = ?", books.account, product_id)
    books.emit("product.deleted", product)
    return {"id": product_id, "object": "product", "deleted": True}


def listing(books: Books, params: dict[str, Any]) -> Object:
    found = (
        one
        for one in books.all("product")
        if params.get("active") in {None, one["active"]}
        and one["id"] in params.get("ids", [one["id"]])
        and params.get("url") in {None, one["url"]}
        and lists.within(one, params.get("created"))
    )
    return lists.page(found, params, "/v1/products")


def _changed(before: Object, params: dict[str, Any]) -> Object:
    after = before | {name: params[name] for name in PLAIN if name in params}
    return after | {"metadata": merged(before["metadata"], params.get("metadata"))}


def _blank(books: Books, product_id: str) -> Object:
    return {
        "id": product_id,
        "object": "product",
        "active": True,
        "created": books.now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": books.now,
        "url": None,
    }

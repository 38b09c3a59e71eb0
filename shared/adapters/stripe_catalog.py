"""Products and prices on one connected account. The bridge's catalog.py calls it.

Everything can be repeated: a product is named by us, a price is found by its lookup key before it is made.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import stripe

from shared.adapters.stripe_client import PAGE, OpenStripe, asked, missing, options, refused
from shared.settings import StripeAccess

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WantedPrice:
    """A monthly or yearly price of a product. `lookup_key` names exactly these terms on the account."""

    lookup_key: str
    product_id: str
    amount: int
    currency: str
    interval: str


class StripeCatalog:
    """The connection to Stripe; every call on an account names it."""

    def __init__(self, access: StripeAccess) -> None:
        self._connection = OpenStripe(access)

    def on(self, account_id: str) -> "AccountCatalog":
        return AccountCatalog(self._connection.client, account_id)

    async def reach(self) -> None:
        """Raises Unavailable where Stripe does not answer."""
        await self._connection.reach()

    async def close(self) -> None:
        await self._connection.close()


class AccountCatalog:
    """What is for sale on one account. Raises NotConnected, Unavailable, or Conflict with Stripe's own words."""

    def __init__(self, client: stripe.StripeClient, account_id: str) -> None:
        self._v1 = client.v1
        self.account_id = account_id

    async def ensure_product(self, product_id: str, name: str, metadata: Mapping[str, str]) -> None:
        """A product of this id and name that is on sale."""
        params: Any = {"name": name, "metadata": dict(metadata), "active": True}
        try:
            await self._asked(self._v1.products.update_async(product_id, params, self._options()))
        except stripe.InvalidRequestError as error:
            if not missing(error):
                raise refused(error) from error
            await self._create_product(product_id, params)

    async def _create_product(self, product_id: str, params: dict[str, Any]) -> None:
        # No idempotency key: the id is one. A key would bring back a product that has been deleted since.
        wanted: Any = {"id": product_id, **params}
        try:
            await self._asked(self._v1.products.create_async(wanted, self._options()))
        except stripe.InvalidRequestError as error:
            if error.code != "resource_already_exists":  # somebody published at the same time
                raise refused(error) from error

    async def ensure_price(self, wanted: WantedPrice) -> str:
        """The id of an active price of these terms."""
        found = await self._listed({"lookup_keys": [wanted.lookup_key]})
        if found:
            price_id = str(found[0]["id"])
            if not found[0]["active"]:
                await self.set_price(price_id, active=True)
            return price_id
        params: Any = {
            "product": wanted.product_id,
            "currency": wanted.currency,
            "unit_amount": wanted.amount,
            "recurring": {"interval": wanted.interval},
            "lookup_key": wanted.lookup_key,
        }
        made = await self._tried(self._v1.prices.create_async(params, self._options(f"price:{wanted.lookup_key}")))
        return str(made.id)

    async def active_prices(self, product_id: str) -> list[str]:
        """The prices of a product that can be bought; none of a product that does not exist."""
        return [str(price["id"]) for price in await self._listed({"product": product_id, "active": True})]

    async def set_price(self, price_id: str, *, active: bool) -> None:
        params: Any = {"active": active}
        await self._tried(self._v1.prices.update_async(price_id, params, self._options()))

    async def set_product(self, product_id: str, *, active: bool) -> None:
        """Put a product on or off sale; nothing happens where there is none."""
        params: Any = {"active": active}
        try:
            await self._asked(self._v1.products.update_async(product_id, params, self._options()))
        except stripe.InvalidRequestError as error:
            if not missing(error):
                raise refused(error) from error

    async def _listed(self, terms: dict[str, Any]) -> list[Mapping[str, Any]]:
        params: Any = {**terms, "limit": PAGE}

        async def every() -> list[Mapping[str, Any]]:
            page = await self._v1.prices.list_async(params, self._options())
            return [one.to_dict() async for one in page.auto_paging_iter()]

        return await self._tried(every())

    async def _tried(self, call: Awaitable[T]) -> T:
        try:
            return await self._asked(call)
        except stripe.InvalidRequestError as error:
            raise refused(error) from error

    async def _asked(self, call: Awaitable[T]) -> T:
        return await asked(call, self.account_id)

    def _options(self, key: str | None = None) -> Any:
        return options(self.account_id, key)

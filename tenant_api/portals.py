"""The portal in which an end-user manages what they pay: their own, on their platform's account.

Called by billing.py. A connected account has no portal settings of ours, so one is made for each set of sold tiers.
"""

import hashlib
import json
from typing import Any

from shared.adapters.stripe_gateway import StripeAccount
from shared.records.tenant_config import Published
from tenant_api.repositories.connections import Connections, PortalConfiguration
from tenant_api.repositories.platforms import Platforms

MOST_PRODUCTS = 10  # Stripe lets a customer choose among no more


class Portals:
    """Portals of one customer each, and the configurations behind them."""

    def __init__(self, platforms: Platforms, connections: Connections) -> None:
        self._platforms = platforms
        self._connections = connections

    async def open(self, platform_id: str, account: StripeAccount, customer_id: str, return_url: str) -> str:
        """The address of a customer's portal, short-lived. Raises CustomerGone."""
        return await account.portal(customer_id, return_url, await self._configuration(platform_id, account))

    async def _configuration(self, platform_id: str, account: StripeAccount) -> str:
        published = await self._platforms.published(platform_id)
        products = _products(published)
        wish = json.dumps([published.config.version, account.account_id, products])
        terms = hashlib.sha256(wish.encode()).hexdigest()
        known = await self._connections.portal(platform_id)
        if known is not None and known.terms == terms:
            return known.configuration_id
        made = await account.create_portal_configuration(products, key=f"portal:{platform_id}:{terms}")
        await self._connections.save_portal(platform_id, PortalConfiguration(str(account.account_id), made, terms))
        return made


def _products(published: Published) -> list[dict[str, Any]]:
    """The prices of the published tiers, by product: what a customer may change to."""
    sold = (published.catalog.prices.get(tier.name) for tier in published.config.tiers if not tier.free)
    products: dict[str, list[str]] = {}
    for price in sold:
        if price is not None:
            products.setdefault(price.product_id, []).append(price.price_id)
    return [{"product": product, "prices": prices} for product, prices in products.items()][:MOST_PRODUCTS]

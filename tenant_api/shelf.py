"""What a platform has for sale, which tier a Stripe price buys, and where its end-users may be returned to.

Called by billing.py, and by shared.billing.sync through deps.py.
"""

from shared.billing.records import BillingRecord
from shared.domain.errors import BadRequest, Conflict
from shared.domain.tiers import Tier
from tenant_api import subjects
from tenant_api.repositories.connections import Connections
from tenant_api.repositories.platforms import Platforms


class Shelf:
    """Tiers with their Stripe prices."""

    def __init__(self, platforms: Platforms, connections: Connections) -> None:
        self._platforms = platforms
        self._connections = connections

    async def for_sale(self, platform_id: str, name: str, account_id: str | None) -> tuple[Tier, str]:
        """A published tier and its price on this account.

        Raises UnknownTier, BadRequest for a free one, Conflict for one that is not sold.
        """
        published = await self._platforms.published(platform_id)
        tier = published.config.named(name)
        if tier.free:
            raise BadRequest("This tier is free: there is nothing to pay, just use it.", field="tier")
        if tier.price is None:
            raise Conflict("This tier is not for sale; the platform itself grants it.", reason="not_for_sale")
        price = published.catalog.prices.get(tier.name)
        if price is None or published.catalog.account_id != account_id:
            raise Conflict("This tier has no price at Stripe yet: publish the tiers again.", reason="no_price")
        return tier, price.price_id

    async def is_tier(self, platform_id: str, price_id: str) -> bool:
        return (await self._platforms.published(platform_id)).catalog.tier_of(price_id) is not None

    async def origins(self, platform_id: str) -> tuple[str, ...]:
        return (await self._connections.settings(platform_id)).origins

    async def plan_of(self, record: BillingRecord, price_id: str) -> str | None:
        """The name of the tier that a price buys; None for a price that is no tier's."""
        platform_id, _ = subjects.parts(record.subject)
        return (await self._platforms.published(platform_id)).catalog.tier_of(price_id)

"""What a platform shows to its end-users: its name, its tiers, which of them can be bought; and the same of a draft.

Called by routes/pages.py. Public pages are asked for often: what is found is at most a moment old.
"""

import asyncio
from dataclasses import dataclass

from shared.adapters.system import Clock
from shared.domain import ids
from shared.domain.errors import NotFound
from shared.domain.tiers import Tier
from shared.records import preview
from shared.records.tenant_config import PlatformSettings, Published
from tenant_api.recent import Recent
from tenant_api.repositories.connections import Connections
from tenant_api.repositories.drafts import Drafts
from tenant_api.repositories.platforms import Platforms

SECONDS = 1.0  # a publish is seen within 2 seconds


@dataclass(frozen=True, slots=True)
class Storefront:
    """A platform as its pages show it. `on_sale` are the names of the tiers that can be paid for now."""

    platform_id: str
    settings: PlatformSettings
    tiers: tuple[Tier, ...]
    on_sale: frozenset[str]


class Storefronts:
    """Storefronts by platform id, and drafts by the token of a preview link.

    `sells` is whether the operator has set up billing, `live` the mode of the operator's key.
    """

    def __init__(
        self, platforms: Platforms, connections: Connections, drafts: Drafts, clock: Clock, *, live: bool | None
    ) -> None:
        self._platforms = platforms
        self._connections = connections
        self._drafts = drafts
        self._clock = clock
        self._live = live
        self._recent = Recent(self._look_up, SECONDS)

    async def of(self, platform_id: str) -> Storefront:
        """Raises NotFound for a platform that is not there, also for an id that can be none."""
        found = await self._recent.get(platform_id) if ids.is_platform_id(platform_id) else None
        if found is None:
            raise NotFound("There is no service at this address. Check the link, or ask whoever gave it to you.")
        return found

    async def preview(self, token: str) -> Storefront:
        """The draft behind a link, read anew. Raises NotFound for one that is over, revoked or no link at all."""
        claim = preview.claimed(token)
        key = None if claim is None else await self._drafts.key(claim.platform_id)
        if claim is None or key is None or not preview.genuine(claim, key, self._clock().timestamp()):
            raise NotFound("This preview link does not work any more. Ask the developer for a new one.")
        draft, settings, published = await asyncio.gather(
            self._drafts.tiers(claim.platform_id),
            self._connections.settings(claim.platform_id),
            self._platforms.published(claim.platform_id),
        )
        tiers = published.config.tiers if draft is None else draft
        return Storefront(claim.platform_id, settings, tiers, frozenset())

    async def _look_up(self, platform_id: str) -> Storefront | None:
        if not await self._platforms.exists(platform_id):
            return None
        settings, published = await asyncio.gather(
            self._connections.settings(platform_id), self._platforms.published(platform_id)
        )
        return Storefront(platform_id, settings, published.config.tiers, await self._on_sale(platform_id, published))

    async def _on_sale(self, platform_id: str, published: Published) -> frozenset[str]:
        """Tiers with a price on the account that is connected now, as billing.py will ask for."""
        if self._live is None or not published.catalog.prices:
            return frozenset()
        connection = await self._connections.of_platform(platform_id)
        usable = connection is not None and connection.connected and connection.livemode == self._live
        if connection is None or not usable or connection.account_id != published.catalog.account_id:
            return frozenset()
        return frozenset(published.catalog.prices)

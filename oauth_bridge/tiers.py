"""What a developer's end-users can buy: a draft to work on, and publishing it.

routes/tiers.py calls it. A developer only ever reaches the platform that their own credentials name.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_configs import TenantConfigs
from shared.adapters.system import Clock
from shared.domain.errors import BadRequest, Conflict, Unavailable
from shared.domain.periods import timestamp
from shared.domain.principal import Developer
from shared.domain.tiers import Tier, TierConfig, problems

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class TierState:
    """A platform's tiers as its developer sees them. The draft starts as what is published."""

    platform_id: str
    draft: tuple[Tier, ...]
    published: TierConfig


class Tiers:
    """The use cases around tiers."""

    def __init__(self, platforms: PlatformCredentials, configs: TenantConfigs, clock: Clock) -> None:
        self._platforms = platforms
        self._configs = configs
        self._clock = clock

    async def state(self, developer: Developer) -> TierState:
        return await self._state(await self._platform_of(developer))

    async def save_draft(self, developer: Developer, tiers: Sequence[Tier]) -> TierState:
        """Replace the draft. Raises BadRequest that names every bad field."""
        found = [{"field": where, "message": sentence} for where, sentence in problems(tiers)]
        if found:
            raise BadRequest(f"The tiers are not valid: {found[0]['field']}: {found[0]['message']}", errors=found)
        platform_id = await self._platform_of(developer)
        await self._configs.save_draft(platform_id, tiers, timestamp(self._clock()))
        return await self._state(platform_id)

    async def publish(self, developer: Developer) -> TierState:
        """Make the draft what end-users get, as the next version; an unchanged draft stays at its version.

        A race with another publish is settled by the version: the loser looks again.
        """
        platform_id = await self._platform_of(developer)
        for attempt in range(ATTEMPTS):
            state = await self._state(platform_id)
            if state.draft == state.published.tiers:
                return state
            _refuse_priced(state.draft)
            config = TierConfig(state.draft, state.published.version + 1)
            if await self._configs.publish(platform_id, config, developer.user_id, timestamp(self._clock())):
                return TierState(platform_id, state.draft, config)
            await asyncio.sleep(0.01 * attempt)
        raise Unavailable("These tiers are being published by others at the same time.", retry_after_seconds=1)

    async def _state(self, platform_id: str) -> TierState:
        # The published version first: what was drafted after it was read can't be overwritten by a draft from before.
        published = await self._configs.published(platform_id)
        draft = await self._configs.draft(platform_id)
        return TierState(platform_id, published.tiers if draft is None else draft, published)

    async def _platform_of(self, developer: Developer) -> str:
        platform_id = await self._platforms.platform_of(developer.user_id)
        if platform_id is None:
            raise Conflict("There is no platform yet; generate credentials first.", reason="no_platform")
        return platform_id


def _refuse_priced(tiers: Sequence[Tier]) -> None:
    priced = [tier.name for tier in tiers if tier.price is not None and not tier.free]
    if priced:
        message = f"Connect a Stripe account before publishing tiers with a price: {', '.join(priced)}."
        raise Conflict(message, reason="stripe_not_connected", tiers=priced)

"""What a developer's end-users can buy: a draft to work on, publishing it, and going back to what was.

routes/tiers.py calls it. Publishing makes prices first, then the one write that counts, then takes old prices off sale;
it may stop anywhere and be done again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from oauth_bridge import catalog
from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.tenant_configs import TenantConfigs, Version
from shared.adapters.stripe_catalog import AccountCatalog, StripeCatalog
from shared.adapters.system import Clock
from shared.billing.connections import ConnectedAccounts
from shared.domain.errors import BadRequest, Conflict, NotFound, Unavailable
from shared.domain.periods import timestamp
from shared.domain.principal import Developer
from shared.domain.tiers import Tier, TierConfig, problems
from shared.records.tenant_config import Published

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class TierState:
    """A platform's tiers as its developer sees them. The draft starts as what is published."""

    platform_id: str
    draft: tuple[Tier, ...]
    published: Published


class Selling:
    """The account on which a platform's tiers are sold. Without Stripe nothing is; `live` is the mode of our key."""

    def __init__(self, accounts: ConnectedAccounts, stripe: StripeCatalog | None, *, live: bool) -> None:
        self._accounts = accounts
        self._stripe = stripe
        self._live = live

    async def account(self, platform_id: str) -> AccountCatalog | None:
        """The platform's account, None where none is connected in our mode."""
        connection = await self._accounts.of_platform(platform_id)
        if self._stripe is None or connection is None or not connection.connected or connection.livemode != self._live:
            return None
        return self._stripe.on(connection.account_id)


class Tiers:
    """The use cases around tiers."""

    def __init__(self, platforms: Platforms, configs: TenantConfigs, selling: Selling, clock: Clock) -> None:
        self._platforms = platforms
        self._configs = configs
        self._selling = selling
        self._clock = clock

    async def state(self, developer: Developer) -> TierState:
        return await self._state(await self._platforms.of(developer))

    async def save_draft(self, developer: Developer, tiers: Sequence[Tier]) -> TierState:
        """Replace the draft. Raises BadRequest that names every bad field."""
        found = [{"field": where, "message": sentence} for where, sentence in problems(tiers)]
        if found:
            raise BadRequest(f"The tiers are not valid: {found[0]['field']}: {found[0]['message']}", errors=found)
        platform_id = await self._platforms.of(developer)
        await self._configs.save_draft(platform_id, tiers, timestamp(self._clock()))
        return await self._state(platform_id)

    async def publish(self, developer: Developer) -> TierState:
        """Make the draft what end-users get, as the next version; an unchanged draft stays at its version."""
        return await self._publish(developer, await self._platforms.of(developer), None)

    async def rollback(self, developer: Developer, version: int) -> TierState:
        """Publish what an earlier version was, as the next version, and make it the draft.

        Raises NotFound for a version that never was.
        """
        platform_id = await self._platforms.of(developer)
        then = await self._configs.version(platform_id, version)
        if then is None:
            raise NotFound("There is no published version of this number; GET /tiers/history lists them.")
        state = await self._publish(developer, platform_id, then.tiers)
        await self._configs.save_draft(platform_id, then.tiers, timestamp(self._clock()))
        return replace(state, draft=then.tiers)

    async def _publish(self, developer: Developer, platform_id: str, tiers: tuple[Tier, ...] | None) -> TierState:
        """Publish these tiers, or the draft. A race with another publish is settled by the version: the loser
        looks again.
        """
        for attempt in range(ATTEMPTS):
            state = await self._state(platform_id)
            wanted = state.draft if tiers is None else tiers
            account = await self._selling.account(platform_id)
            if not _up_to_date(wanted, state.published, account):
                published = await self._published(state, wanted, account, developer)
                if published is None:
                    await asyncio.sleep(0.01 * attempt)
                    continue
                state = replace(state, published=published)
            if account is None or await self._tidied(account, state):
                return state
        raise Unavailable("These tiers are being published by others at the same time.", retry_after_seconds=1)

    async def history(self, developer: Developer, before: int | None) -> list[Version]:
        """Published versions, the newest first, those before a version."""
        return await self._configs.history(await self._platforms.of(developer), before)

    async def _published(
        self, state: TierState, wanted: tuple[Tier, ...], account: AccountCatalog | None, developer: Developer
    ) -> Published | None:
        """These tiers as the next version; None when somebody else has published meanwhile."""
        prices = {}
        if catalog.paid(wanted):
            if account is None:
                raise _not_connected(wanted)
            prices = await catalog.sold(account, state.platform_id, wanted)
        config = TierConfig(wanted, state.published.config.version + 1)
        account_id = None if account is None else account.account_id
        then = Published(config, catalog.next_catalog(state.published, config, account_id, prices))
        done = await self._configs.publish(state.platform_id, then, developer.user_id, timestamp(self._clock()))
        return then if done else None

    async def _tidied(self, account: AccountCatalog, state: TierState) -> bool:
        """Take old prices off sale; False when another version came meanwhile, whose prices this may have touched."""
        await catalog.tidy(account, state.platform_id, state.published)
        return (await self._configs.published(state.platform_id)).config.version == state.published.config.version

    async def _state(self, platform_id: str) -> TierState:
        # The published version first: what was drafted after it was read can't be overwritten by a draft from before.
        published = await self._configs.published(platform_id)
        draft = await self._configs.draft(platform_id)
        return TierState(platform_id, published.config.tiers if draft is None else draft, published)


def _up_to_date(wanted: tuple[Tier, ...], published: Published, account: AccountCatalog | None) -> bool:
    """Whether these tiers are published already, and sold on the account that is connected now."""
    if wanted != published.config.tiers:
        return False
    if not catalog.paid(wanted):
        return True
    return account is not None and published.catalog.account_id == account.account_id


def _not_connected(tiers: Sequence[Tier]) -> Conflict:
    priced = [tier.name for tier in catalog.paid(tiers)]
    message = f"Connect a Stripe account before publishing tiers with a price: {', '.join(priced)}."
    return Conflict(message, reason="not_connected", tiers=priced)

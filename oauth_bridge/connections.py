"""What a developer's platform is connected to: their Stripe account and their GitHub identity, for the dashboard.

The routes call it. Connecting is connect.py's and github.py's.
"""

import asyncio
from dataclasses import dataclass

from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.github_links import GitHubLink, GitHubLinks
from shared.billing.connections import ConnectedAccounts
from shared.domain.principal import Developer
from shared.records.tenant_config import StripeConnection


@dataclass(frozen=True, slots=True)
class Offered:
    """What the operator has set up; `live` is the mode of their Stripe key."""

    stripe: bool
    github: bool
    live: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """One platform's connections."""

    platform_id: str
    offered: Offered
    account: StripeConnection | None
    github: GitHubLink | None

    @property
    def stripe_status(self) -> str:
        """`none`, `connected` or `disconnected`; an account of the other mode takes no payments, so it is the last."""
        if self.account is None:
            return "none"
        if self.offered.stripe and self.account.livemode != self.offered.live:
            return "disconnected"
        return "connected" if self.account.connected else "disconnected"


class Connections:
    """Both connections of developers' platforms."""

    def __init__(self, platforms: Platforms, accounts: ConnectedAccounts, links: GitHubLinks, offered: Offered) -> None:
        self._platforms = platforms
        self._accounts = accounts
        self._links = links
        self._offered = offered

    async def of(self, developer: Developer) -> Connected:
        platform_id = await self._platforms.of(developer)
        account, github = await asyncio.gather(self._accounts.of_platform(platform_id), self._links.find(platform_id))
        return Connected(platform_id, self._offered, account, github)

    async def unlink_github(self, developer: Developer) -> None:
        """Forget the identity; GitHub holds nothing of ours that had to be given back."""
        await self._links.remove(await self._platforms.of(developer))

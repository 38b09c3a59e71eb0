"""Connecting a developer's own Stripe account to their platform, and ending it.

routes/stripe.py calls it. How an account is won is `Onboarding`'s: OAuth today, account links could be another.
"""

import logging
from dataclasses import dataclass
from typing import Protocol

from oauth_bridge.handshakes import Handshakes
from oauth_bridge.platforms import Platforms
from shared.adapters.stripe_connect import ConnectedAccount, ExchangeFailed
from shared.adapters.system import Clock
from shared.billing.connections import ConnectedAccounts
from shared.domain.errors import Conflict
from shared.domain.principal import Developer
from shared.records.tenant_config import StripeConnection

logger = logging.getLogger("dream_api.connect")

PROVIDER = "stripe"


class Onboarding(Protocol):
    """One way to win access to an account that its owner has."""

    def start_url(self, state: str) -> str:
        """Where the owner agrees."""

    async def finish(self, code: str) -> ConnectedAccount:
        """The account they agreed to. Raises ExchangeFailed."""

    async def leave(self, account_id: str) -> None:
        """Give the access back. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Away:
    """Where the developer's browser goes, and the secret it keeps meanwhile."""

    url: str
    browser: str


class Connect:
    """The Stripe connection of developers' platforms; `live` is the mode of the operator's key."""

    def __init__(
        self,
        onboarding: Onboarding,
        handshakes: Handshakes,
        platforms: Platforms,
        accounts: ConnectedAccounts,
        clock: Clock,
        *,
        live: bool,
    ) -> None:
        self._onboarding = onboarding
        self._handshakes = handshakes
        self._platforms = platforms
        self._accounts = accounts
        self._clock = clock
        self._live = live

    async def begin(self, developer: Developer) -> Away:
        """Raises Conflict while an account is connected: end-users pay on it."""
        platform_id = await self._platforms.of(developer)
        connection = await self._accounts.of_platform(platform_id)
        if connection is not None and connection.connected and connection.livemode == self._live:
            raise Conflict("A Stripe account is connected already; disconnect it first.", reason="already_connected")
        begun = await self._handshakes.begin(PROVIDER, developer.user_id, platform_id)
        return Away(self._onboarding.start_url(begun.state), begun.browser)

    async def finish(self, state: str | None, browser: str | None, code: str | None, error: str | None) -> str:
        """What became of it, in a word: connected, denied, refused, failed, in_use or invalid_state."""
        handshake = await self._handshakes.end(PROVIDER, state, browser)
        if handshake is None:
            return "invalid_state"
        if error is not None or not code:
            return "denied" if error == "access_denied" else "refused"
        try:
            account = await self._onboarding.finish(code)
        except ExchangeFailed as failure:
            facts = {"platformId": handshake.platform_id, "why": str(failure)}
            logger.warning("exchange failed", extra={"facts": facts})
            return "failed"
        return await self._keep(handshake.platform_id, account)

    async def _keep(self, platform_id: str, account: ConnectedAccount) -> str:
        facts = {"platformId": platform_id, "account": account.account_id}
        if account.livemode != self._live:
            logger.error("account of the other mode", extra={"facts": facts})
            return "failed"  # no call with our key would be about it
        connection = StripeConnection(account.account_id, account.livemode, int(self._clock().timestamp()))
        if not await self._accounts.connect(platform_id, connection):
            logger.warning("account is in use", extra={"facts": facts})
            return "in_use"
        logger.info("account connected", extra={"facts": facts})
        return "connected"

    async def disconnect(self, developer: Developer) -> None:
        """Stop using the account at once, then give the access back. Raises Unavailable: send it again.

        Only ours to give back while the account is still this platform's.
        """
        platform_id = await self._platforms.of(developer)
        connection = await self._accounts.of_platform(platform_id)
        if connection is None:
            return
        if connection.connected:
            await self._accounts.disconnect(platform_id, connection)
        owner = await self._accounts.of_account(connection.account_id)
        if owner is not None and owner[0] == platform_id and not owner[1].connected:
            await self._onboarding.leave(connection.account_id)

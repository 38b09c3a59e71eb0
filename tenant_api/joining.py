"""An end-user joins a platform: from then on their tokens name it and its free tier. The first platform wins.

Called by routes/signup.py. Clerk's metadata has no conditional write, so the membership is claimed in our own table
first; only the winner tells Clerk. Whatever stops between the two is healed by signing up again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.adapters.clerk import Claims, ClerkUsers
from shared.adapters.system import Clock
from shared.domain.errors import Conflict, NotFound, RateLimited, Unauthenticated
from shared.domain.periods import timestamp
from shared.domain.quota import UNLIMITED, Quota
from shared.metering.counter import Counter
from shared.web.metered import refused
from tenant_api.entitlements import FREE_CLAIM
from tenant_api.repositories.members import Members
from tenant_api.storefronts import Storefronts

# Each attempt may ask Clerk twice, whose own limits are for all of us together.
ATTEMPTS = Quota("signup", UNLIMITED, 20)


@dataclass(frozen=True, slots=True)
class Joined:
    """Where somebody belongs, and what Clerk says they are on."""

    platform_id: str
    plan: str


class Joining:
    """Memberships of end-users."""

    def __init__(
        self, storefronts: Storefronts, members: Members, users: ClerkUsers, counter: Counter, clock: Clock
    ) -> None:
        self._storefronts = storefronts
        self._members = members
        self._users = users
        self._counter = counter
        self._clock = clock

    async def join(self, claims: Claims, platform_id: str) -> Joined:
        """Join a platform, or stay in it. Raises Conflict for who belongs to another, and changes nothing then."""
        await self._storefronts.of(platform_id)
        if claims.get("platformId") == platform_id:
            return Joined(platform_id, _plan(claims.get("plan")))
        user_id = str(claims["sub"])
        await self._limit(user_id)
        metadata = await self._metadata(user_id)
        told = owner = metadata.get("platformId") or None
        if owner is None:
            owner = await self._members.claim(user_id, platform_id, timestamp(self._clock()))
        if owner != platform_id:
            raise Conflict(
                "This account belongs to another service already; sign out and use another e-mail address here.",
                reason="other_platform",
            )
        if told is None:
            metadata = await self._told(user_id, {"platformId": platform_id, "plan": FREE_CLAIM})
        return Joined(platform_id, _plan(metadata.get("plan")))

    async def _limit(self, user_id: str) -> None:
        decision = (await self._counter.count(f"signup:{user_id}", ATTEMPTS)).decision
        if not decision.admitted:
            raise refused(RateLimited("That was tried too often; wait a minute."), decision, self._clock())

    async def _metadata(self, user_id: str) -> Mapping[str, Any]:
        try:
            return _public(await self._users.user(user_id))
        except NotFound as error:
            raise _gone() from error

    async def _told(self, user_id: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merged: whatever else is kept there stays."""
        try:
            return _public(await self._users.merge_public_metadata(user_id, changes))
        except NotFound as error:
            raise _gone() from error


def _public(user: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = user.get("public_metadata") or {}
    return found


def _plan(value: object) -> str:
    return value if isinstance(value, str) and value else FREE_CLAIM


def _gone() -> Unauthenticated:
    return Unauthenticated("This account is not there any more; sign up again.")

"""Registering a developer by e-mail without the platform: a platform id and a key, where the operator allows it.

Called by routes/developers.py. The address is not verified and so not unique: were it, a stranger could take it away
from its owner, or ask which addresses are registered. Registrations are limited per client address.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from shared.adapters.system import Chance, Clock
from shared.domain import ids, keys
from shared.domain.errors import BadRequest, NotFound, RateLimited
from shared.domain.periods import timestamp
from shared.domain.quota import Quota
from shared.metering.counter import Counter
from shared.web.metered import refused
from tenant_api.repositories.platforms import Platforms

MAX_EMAIL_CHARACTERS = 254
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Registered:
    """A platform just registered. The key is shown this once; only its hash is stored."""

    platform_id: str
    api_key: str = field(repr=False)
    created_at: datetime


class Developers:
    """Registrations. `quota` is None where the operator has switched them off."""

    def __init__(
        self, platforms: Platforms, counter: Counter, quota: Quota | None, clock: Clock, chance: Chance
    ) -> None:
        self._platforms = platforms
        self._counter = counter
        self._quota = quota
        self._clock = clock
        self._chance = chance

    async def register(self, email: str, address: str) -> Registered:
        """A new platform. Raises NotFound where registration is off, RateLimited after too many from one address."""
        if self._quota is None:
            raise NotFound("Registration is switched off here; sign up on the platform's dashboard.")
        if len(email) > MAX_EMAIL_CHARACTERS or _EMAIL.fullmatch(email) is None:
            raise BadRequest("email is no e-mail address.", errors=[{"field": "email", "message": "not an address"}])
        decision = (await self._counter.count(f"register:{address}", self._quota)).decision
        now = self._clock()
        if not decision.admitted:
            raise refused(RateLimited("Too many registrations from your address; try again later."), decision, now)
        platform_id, key = ids.platform_id(self._chance(16)), keys.api_key(self._chance(keys.RANDOM_BYTES))
        await self._platforms.register(platform_id, keys.key_hash(key), email, timestamp(now))
        return Registered(platform_id, key, now)

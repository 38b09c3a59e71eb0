"""Links that show a draft on the pricing page without publishing it. routes/tiers.py calls it.

A link is good for a day, or until the developer revokes all of theirs. tenant_api shows the page.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.preview_keys import PreviewKeys
from shared.adapters.system import Chance, Clock
from shared.domain.principal import Developer
from shared.records.preview import KEY_BYTES, LIFE_SECONDS, token


@dataclass(frozen=True, slots=True)
class Preview:
    """A link and its end."""

    url: str
    expires_at: datetime


class Previews:
    """Preview links; `pages_url` is where tenant_api's pages are."""

    def __init__(self, platforms: Platforms, keys: PreviewKeys, pages_url: str, clock: Clock, chance: Chance) -> None:
        self._platforms = platforms
        self._keys = keys
        self._pages_url = pages_url
        self._clock = clock
        self._chance = chance

    async def make(self, developer: Developer) -> Preview:
        platform_id = await self._platforms.of(developer)
        key = await self._keys.ensured(platform_id, self._chance(KEY_BYTES))
        expires = int(self._clock().timestamp()) + LIFE_SECONDS
        url = f"{self._pages_url}/preview/{token(key, platform_id, expires)}"
        return Preview(url, datetime.fromtimestamp(expires, UTC))

    async def revoke(self, developer: Developer) -> None:
        """Every link made so far stops at once."""
        await self._keys.replace(await self._platforms.of(developer), self._chance(KEY_BYTES))

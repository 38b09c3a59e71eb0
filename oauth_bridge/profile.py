"""What a developer sets for their platform: the name that end-users see, and where these may be returned to.

routes/settings.py calls it; tenant_api reads it.
"""

from collections.abc import Sequence

from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.tenant_configs import TenantConfigs
from shared.domain.errors import BadRequest
from shared.domain.origins import is_bare_origin
from shared.domain.principal import Developer
from shared.records.tenant_config import PlatformSettings

MOST_ORIGINS = 20
MOST_CHARACTERS = 60


class Profile:
    """Settings of developers' platforms."""

    def __init__(self, platforms: Platforms, configs: TenantConfigs) -> None:
        self._platforms = platforms
        self._configs = configs

    async def read(self, developer: Developer) -> PlatformSettings:
        return await self._configs.settings(await self._platforms.of(developer))

    async def write(self, developer: Developer, name: str | None, origins: Sequence[str]) -> PlatformSettings:
        """Replace them. Raises BadRequest that names every bad field."""
        trimmed = (name or "").strip()
        found = []
        if len(trimmed) > MOST_CHARACTERS or not trimmed.isprintable():
            found.append({"field": "name", "message": f"A name has up to {MOST_CHARACTERS} printable characters."})
        if len(origins) > MOST_ORIGINS:
            found.append({"field": "origins", "message": f"There are at most {MOST_ORIGINS} origins."})
        found += [
            {"field": f"origins.{index}", "message": "An origin is https://host, or http://localhost:port, no path."}
            for index, one in enumerate(origins)
            if not is_bare_origin(one)
        ]
        if found:
            raise BadRequest(f"The settings are not valid: {found[0]['field']}: {found[0]['message']}", errors=found)
        settings = PlatformSettings(trimmed or None, tuple(dict.fromkeys(origins)))
        await self._configs.save_settings(await self._platforms.of(developer), settings)
        return settings

"""Whose platform is whose: a developer only ever reaches the platform that their own credentials name.

Every use case of a developer starts here.
"""

from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from shared.domain.errors import Conflict
from shared.domain.principal import Developer


class Platforms:
    """Developers' platforms, as platform-tokens has them."""

    def __init__(self, credentials: PlatformCredentials) -> None:
        self._credentials = credentials

    async def of(self, developer: Developer) -> str:
        """The developer's platform id; Conflict before they have credentials."""
        platform_id = await self._credentials.platform_of(developer.user_id)
        if platform_id is None:
            raise Conflict("There is no platform yet; generate credentials first.", reason="no_platform")
        return platform_id

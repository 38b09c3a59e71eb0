"""What a platform sells, for everybody to read. Called by routes/tiers.py."""

from shared.domain import ids
from shared.domain.errors import BadRequest, NotFound
from shared.domain.tiers import TierConfig
from shared.records.tenant_config import Published
from tenant_api.recent import Recent
from tenant_api.repositories.platforms import Platforms


class Tiers:
    """Published tiers."""

    def __init__(self, platforms: Platforms, publications: Recent[Published]) -> None:
        self._platforms = platforms
        self._publications = publications

    async def published(self, platform_id: str) -> TierConfig:
        """The tiers of a platform; BadRequest for an id that can't be one, NotFound where there is none."""
        if not ids.is_platform_id(platform_id):
            raise BadRequest("platformId is `plt_` and 32 hex digits; copy it from the dashboard.", field="platformId")
        if not await self._platforms.exists(platform_id):
            raise NotFound("There is no platform of this id.")
        return (await self._publications.get(platform_id)).config

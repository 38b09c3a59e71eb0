"""What an end-user may do: the quota of the tier they are on, among the tiers their platform has published.

Called by usage.py. In key mode the tier that the developer's server names wins; else a token's claim; with neither, the
free tier.
"""

from shared.domain.principal import EndUser
from shared.domain.quota import Quota
from shared.domain.tiers import TierConfig
from tenant_api.recent import Recent


class Entitlements:
    """Resolves tiers, on configs that are at most a moment old."""

    def __init__(self, tier_configs: Recent[TierConfig]) -> None:
        self._tier_configs = tier_configs

    async def quota(self, end_user: EndUser) -> Quota:
        """Raises UnknownTier (400) for a tier that is not published and NoTier (403) where no free one is."""
        config = await self._tier_configs.get(end_user.platform_id)
        return config.named(end_user.plan).quota

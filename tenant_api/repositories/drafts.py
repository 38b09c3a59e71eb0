"""Tier drafts and the keys of their preview links, as the bridge keeps them in tenant-tokens. Only read here."""

from shared.adapters.dynamodb import Dynamo
from shared.domain.tiers import Tier
from shared.records.preview import draft_key, key_from_item, preview_key


class Drafts:
    """The `tierDraft` and `preview` items of platforms."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def key(self, platform_id: str) -> bytes | None:
        """Read consistently: a revoked link must stop at once."""
        return key_from_item(await self._dynamo.get(self._table, preview_key(platform_id)))

    async def tiers(self, platform_id: str) -> tuple[Tier, ...] | None:
        """None until the developer has saved a draft."""
        item = await self._dynamo.get(self._table, draft_key(platform_id))
        return None if item is None else tuple(Tier.from_json(tier) for tier in item["tiers"])

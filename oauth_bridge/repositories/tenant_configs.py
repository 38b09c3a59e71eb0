"""Tiers in tenant-tokens: the draft, what is published, and every version that ever was.

Called by oauth_bridge.tiers; the published item is the contract with tenant_api (shared/records/tenant_config.py).
"""

from collections.abc import Sequence

from shared.adapters.dynamodb import Dynamo, Item, TransactionCancelled, put
from shared.domain.tiers import Tier, TierConfig
from shared.records.tenant_config import tier_config_from_item, tier_config_key, tier_config_to_item


class TenantConfigs:
    """The `tierDraft`, `tierConfig` and `tierConfig#<version>` items of a platform."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def published(self, platform_id: str) -> TierConfig:
        """What end-users can be on now; the default until the first publish."""
        item = await self._dynamo.get(self._table, tier_config_key(platform_id))
        return TierConfig() if item is None else tier_config_from_item(item)

    async def draft(self, platform_id: str) -> tuple[Tier, ...] | None:
        item = await self._dynamo.get(self._table, _draft_key(platform_id))
        return None if item is None else tuple(Tier.from_json(tier) for tier in item["tiers"])

    async def save_draft(self, platform_id: str, tiers: Sequence[Tier], saved_at: str) -> None:
        item: Item = {**_draft_key(platform_id), "tiers": [tier.to_json() for tier in tiers], "savedAt": saved_at}
        await self._dynamo.write(put(self._table, item))

    async def publish(self, platform_id: str, config: TierConfig, published_by: str, published_at: str) -> bool:
        """Publish a version on top of the one before it, and keep it; False when that one is not the latest."""
        stored = {**tier_config_to_item(config), "publishedBy": published_by, "publishedAt": published_at}
        latest = put(
            self._table,
            tier_config_key(platform_id) | stored,
            "attribute_not_exists(pk)" if config.version == 1 else "#version = :before",
            names=None if config.version == 1 else {"#version": "version"},
            values=None if config.version == 1 else {":before": config.version - 1},
        )
        history = put(self._table, _history_key(platform_id, config.version) | stored, "attribute_not_exists(pk)")
        try:
            await self._dynamo.transact([latest, history])
        except TransactionCancelled:
            return False
        return True


def _draft_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "tierDraft"}


def _history_key(platform_id: str, version: int) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": f"tierConfig#{version:08d}"}

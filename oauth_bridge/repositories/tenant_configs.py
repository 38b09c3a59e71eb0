"""Tiers in tenant-tokens: the draft, what is published, and every version that ever was; and a platform's settings.

Called by oauth_bridge.tiers and .profile; the published item is the contract with tenant_api (shared/records).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.adapters.dynamodb import Dynamo, Item, TransactionCancelled, put
from shared.domain.tiers import Tier
from shared.records.preview import draft_key
from shared.records.tenant_config import (
    PlatformSettings,
    Published,
    settings_key,
    tier_config_from_item,
    tier_config_key,
    tier_config_to_item,
)

HISTORY_PAGE = 50
_HISTORY = "tierConfig#"


@dataclass(frozen=True, slots=True)
class Version:
    """One version that was published; `published_at` is an ISO timestamp."""

    version: int
    tiers: tuple[Tier, ...]
    published_by: str
    published_at: str


class TenantConfigs:
    """The `tierDraft`, `tierConfig`, `tierConfig#<version>` and `settings` items of a platform."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def published(self, platform_id: str) -> Published:
        """What end-users can be on now; the default until the first publish."""
        item = await self._dynamo.get(self._table, tier_config_key(platform_id))
        return Published() if item is None else Published.from_item(item)

    async def draft(self, platform_id: str) -> tuple[Tier, ...] | None:
        item = await self._dynamo.get(self._table, draft_key(platform_id))
        return None if item is None else tuple(Tier.from_json(tier) for tier in item["tiers"])

    async def save_draft(self, platform_id: str, tiers: Sequence[Tier], saved_at: str) -> None:
        item: Item = {**draft_key(platform_id), "tiers": [tier.to_json() for tier in tiers], "savedAt": saved_at}
        await self._dynamo.write(put(self._table, item))

    async def publish(self, platform_id: str, then: Published, published_by: str, published_at: str) -> bool:
        """Publish a version on top of the one before it, and keep it; False when that one is not the latest."""
        version = then.config.version
        stored = {**tier_config_to_item(then.config, then.catalog)}
        stored |= {"publishedBy": published_by, "publishedAt": published_at}
        latest = put(
            self._table,
            tier_config_key(platform_id) | stored,
            "attribute_not_exists(pk)" if version == 1 else "#version = :before",
            names=None if version == 1 else {"#version": "version"},
            values=None if version == 1 else {":before": version - 1},
        )
        history = put(self._table, _history_key(platform_id, version) | stored, "attribute_not_exists(pk)")
        try:
            await self._dynamo.transact([latest, history])
        except TransactionCancelled:
            return False
        return True

    async def version(self, platform_id: str, version: int) -> Version | None:
        item = await self._dynamo.get(self._table, _history_key(platform_id, version))
        return None if item is None else _version(item)

    async def history(self, platform_id: str, before: int | None) -> list[Version]:
        """The versions before one (or the newest), newest first, a page of them."""
        latest = (await self.published(platform_id)).config.version
        if before is not None:
            latest = min(latest, before - 1)
        first = max(latest - HISTORY_PAGE + 1, 1)
        partition, after = f"platform:{platform_id}", f"{_HISTORY}{first - 1:08d}"
        items = await self._dynamo.query(self._table, partition, after=after, limit=HISTORY_PAGE)
        found = [_version(item) for item in items if item["sk"].startswith(_HISTORY)]
        return [one for one in reversed(found) if one.version <= latest]

    async def settings(self, platform_id: str) -> PlatformSettings:
        return PlatformSettings.from_item(await self._dynamo.get(self._table, settings_key(platform_id)))

    async def save_settings(self, platform_id: str, settings: PlatformSettings) -> None:
        await self._dynamo.write(put(self._table, settings_key(platform_id) | settings.to_item()))


def _version(item: Item) -> Version:
    return Version(int(item["version"]), tier_config_from_item(item).tiers, item["publishedBy"], item["publishedAt"])


def _history_key(platform_id: str, version: int) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": f"{_HISTORY}{version:08d}"}

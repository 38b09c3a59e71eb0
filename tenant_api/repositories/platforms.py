"""Platforms as the tenant side knows them: whether they exist, their published tiers, and registering one here."""

import asyncio

from shared.adapters.dynamodb import Dynamo, put
from shared.records.tenant_config import (
    ApiKey,
    Published,
    api_key_key,
    credential_key,
    profile_key,
    settings_key,
    tier_config_key,
)


class Platforms:
    """The `platform:…` items of tenant-tokens."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def published(self, platform_id: str) -> Published:
        """What the platform has published; the default until it has."""
        item = await self._dynamo.get(self._table, tier_config_key(platform_id))
        return Published() if item is None else Published.from_item(item)

    async def name(self, platform_id: str) -> str | None:
        """What the developer calls it; None until they have said."""
        item = await self._dynamo.get(self._table, settings_key(platform_id))
        return None if item is None else item.get("name")

    async def exists(self, platform_id: str) -> bool:
        """Whether a credential was carried over by the bridge, or the platform was registered here."""
        items = await asyncio.gather(
            self._dynamo.get(self._table, credential_key(platform_id)),
            self._dynamo.get(self._table, profile_key(platform_id)),
        )
        return any(item is not None for item in items)

    async def register(self, platform_id: str, key_hash: str, email: str, created_at: str) -> None:
        """A new platform with its first key, both or neither."""
        profile = {"email": email, "createdAt": created_at}
        await self._dynamo.transact(
            [
                put(self._table, profile_key(platform_id) | profile, "attribute_not_exists(pk)"),
                put(self._table, api_key_key(key_hash) | ApiKey(platform_id).to_item(), "attribute_not_exists(pk)"),
            ]
        )

    async def reach(self) -> None:
        """Ask the store for next to nothing. Raises Unavailable when it does not answer."""
        await self._dynamo.get(self._table, {"pk": "ready", "sk": "ready"}, consistent=False)

"""The key that signs a platform's preview links, in tenant-tokens. Called by oauth_bridge.previews."""

from shared.adapters.dynamodb import ConditionFailed, Dynamo, put
from shared.records.preview import key_from_item, key_to_item, preview_key


class PreviewKeys:
    """The `preview` items of platforms."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def ensured(self, platform_id: str, fresh: bytes) -> bytes:
        """The platform's key; `fresh` becomes it where there is none."""
        item = preview_key(platform_id) | key_to_item(fresh)
        try:
            await self._dynamo.write(put(self._table, item, "attribute_not_exists(pk)"))
        except ConditionFailed as found:
            return key_from_item(found.item) or fresh
        return fresh

    async def replace(self, platform_id: str, fresh: bytes) -> None:
        await self._dynamo.write(put(self._table, preview_key(platform_id) | key_to_item(fresh)))

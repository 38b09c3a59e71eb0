"""Which platform an API key speaks for, looked up by the key's hash. Written by the bridge, and by registration."""

from shared.adapters.dynamodb import Dynamo
from shared.records.tenant_config import ApiKey, api_key_key


class ApiKeys:
    """The `apikey` items of tenant-tokens."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def find(self, key_hash: str) -> ApiKey | None:
        """Read consistently: a revocation must bite at once."""
        item = await self._dynamo.get(self._table, api_key_key(key_hash))
        return None if item is None else ApiKey.from_item(item)

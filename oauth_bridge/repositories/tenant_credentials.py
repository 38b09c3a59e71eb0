"""The keys that work on the tenant side, and the bridge's bookkeeping of them: both change in one transaction.

Called by oauth_bridge.reconcile. The bookkeeping item is the platform's credential as it was last carried over.
"""

from typing import Any

from oauth_bridge.plan import Plan
from shared.adapters.dynamodb import Dynamo, TransactionCancelled, delete, put
from shared.records.platform_credential import PlatformCredential
from shared.records.tenant_config import api_key_key, credential_key


class TenantCredentials:
    """The `credential` and `apikey` items of tenant-tokens."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def held(self, platform_id: str) -> PlatformCredential | None:
        """The state last carried over, None when there was none."""
        item = await self._dynamo.get(self._table, credential_key(platform_id))
        return None if item is None else PlatformCredential.from_item(item)

    async def apply(self, plan: Plan) -> bool:
        """Carry a plan out; False when another writer has changed the tenant side since it was read."""
        target = plan.target
        bookkeeping = credential_key(target.platform_id) | target.to_item()
        writes = [put(self._table, bookkeeping, **_still_at(plan.seen_version))]
        writes += [put(self._table, api_key_key(one) | key.to_item()) for one, key in sorted(plan.puts.items())]
        writes += [delete(self._table, api_key_key(one)) for one in sorted(plan.deletes)]
        try:
            await self._dynamo.transact(writes)
        except TransactionCancelled:
            return False
        return True


def _still_at(version: int | None) -> dict[str, Any]:
    """The condition that makes an older state unable to overwrite a newer one."""
    if version is None:
        return {"condition": "attribute_not_exists(pk)"}
    return {"condition": "#version = :seen", "names": {"#version": "version"}, "values": {":seen": version}}

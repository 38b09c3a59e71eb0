"""Both sides of the bridge for its tests: a writer that keeps platform-tokens as platform_api does, and a reader of
what tenant-tokens then lets in. Follows shared/records, so that neither service's code is needed.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex

from oauth_bridge.plan import good_keys
from shared.adapters.dynamodb import Dynamo, Write, delete, put
from shared.records.platform_credential import (
    PlatformCredential,
    credential_key,
    outbox_instant,
    outbox_partition,
    outbox_sort,
    registry_partition,
)
from shared.records.tenant_config import ApiKey, api_key_key


def new_platform_id() -> str:
    return "plt_" + token_hex(16)


def created(platform_id: str | None = None) -> PlatformCredential:
    return PlatformCredential(platform_id or new_platform_id(), 1, token_hex(32))


def rotated(before: PlatformCredential, until: int | None = None) -> PlatformCredential:
    """A new key; the one before stays good until `until`, or not at all."""
    previous = None if until is None else before.key_hash
    return PlatformCredential(
        before.platform_id, before.version + 1, token_hex(32), previous, None if previous is None else until
    )


def revoked(before: PlatformCredential) -> PlatformCredential:
    return PlatformCredential(before.platform_id, before.version + 1, None)


class PlatformSide:
    """Writes platform-tokens; remembers the truth and every key there ever was."""

    def __init__(self, dynamo: Dynamo, prefix: str) -> None:
        self._dynamo = dynamo
        self._table = prefix + "platform-tokens"
        self.truth: dict[str, PlatformCredential] = {}
        self.hashes: defaultdict[str, set[str]] = defaultdict(set)

    async def change(
        self, credential: PlatformCredential, instant: datetime, *, outbox: bool = True, user_id: str | None = None
    ) -> None:
        """One change in one transaction; `outbox=False` loses its entry."""
        item = credential_key(credential.platform_id) | credential.to_item() | {"sealedKey": "not for the bridge"}
        registry = {"pk": registry_partition(credential.platform_id), "sk": credential.platform_id}
        writes = [put(self._table, item), put(self._table, registry)]
        if outbox:
            writes.append(self._entry(credential, instant))
        if user_id is not None:
            user = {"pk": f"user:{user_id}", "sk": "credential", "platformId": credential.platform_id}
            writes.append(put(self._table, user))
        await self._dynamo.transact(writes)
        self.truth[credential.platform_id] = credential
        self.hashes[credential.platform_id] |= {credential.key_hash} if credential.key_hash else set()

    async def announce(self, credential: PlatformCredential, instant: datetime) -> None:
        """An entry of the outbox alone: a duplicate, or one whose change is not visible yet."""
        await self._dynamo.write(self._entry(credential, instant))

    async def forget(self, platform_id: str) -> None:
        """Take the credential away, as no service does."""
        await self._dynamo.write(delete(self._table, credential_key(platform_id)))

    async def garble(self, platform_id: str) -> None:
        """A credential without what makes one."""
        await self._dynamo.write(put(self._table, credential_key(platform_id) | {"platformId": platform_id}))

    def _entry(self, credential: PlatformCredential, instant: datetime) -> Write:
        text = outbox_instant(instant)
        key = {
            "pk": outbox_partition(text[:10]),
            "sk": outbox_sort(text, credential.platform_id, credential.version),
        }
        facts = {"platformId": credential.platform_id, "version": credential.version}
        return put(self._table, key | facts | {"expiresAt": int((instant + timedelta(days=30)).timestamp())})


class TenantSide:
    """Reads tenant-tokens."""

    def __init__(self, dynamo: Dynamo, prefix: str) -> None:
        self._dynamo = dynamo
        self.table = prefix + "tenant-tokens"

    async def version(self, platform_id: str) -> int | None:
        item = await self._dynamo.get(self.table, {"pk": f"platform:{platform_id}", "sk": "credential"})
        return None if item is None else int(item["version"])

    async def keys(self, hashes: set[str]) -> dict[str, ApiKey]:
        """Those of the hashes that are there."""
        found = {}
        for one in hashes:
            item = await self._dynamo.get(self.table, api_key_key(one))
            if item is not None:
                found[one] = ApiKey.from_item(item)
        return found

    async def working(self, hashes: set[str], now: datetime) -> dict[str, ApiKey]:
        """Those of the hashes that are let in at an instant."""
        seconds = now.timestamp()
        keys = await self.keys(hashes)
        return {one: key for one, key in keys.items() if key.valid_until is None or seconds < key.valid_until}


async def agree(platform: PlatformSide, tenant: TenantSide, now: datetime) -> bool:
    """Whether the tenant side lets in exactly what the platform side calls good, for every platform."""
    for platform_id, truth in platform.truth.items():
        if await tenant.version(platform_id) != truth.version:
            return False
        if await tenant.working(platform.hashes[platform_id], now) != good_keys(truth, int(now.timestamp())):
            return False
    return True


def with_version(credential: PlatformCredential, version: int) -> PlatformCredential:
    return replace(credential, version=version)

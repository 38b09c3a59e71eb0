"""Leaks of API keys in platform-tokens: the notices, and each developer's policy. Called by platform_api.leaks. Items:

platform:{platformId} leakPolicy           policy
leaks:{platformId}    {hash}               one leaked key: its end, what was done, places, version
leaked:{hash}         leak                 platformId: whose it was, also when it works no more
"""

from datetime import datetime
from typing import Any

from platform_api.credential import Credential
from platform_api.leak import Deed, Leak, Place, Policy
from platform_api.repositories.credentials import CredentialRepository, VersionMoved, api_key_key
from shared.adapters.dynamodb import ConditionFailed, Dynamo, Item, put

MOST_LISTED = 50


class LeakRepository:
    """The leaks' items; what they change of credentials goes through the credentials' own repository."""

    def __init__(self, dynamo: Dynamo, table: str, credentials: CredentialRepository) -> None:
        self._dynamo = dynamo
        self._table = table
        self._credentials = credentials

    async def whose(self, key_hash: str) -> str | None:
        """The platform of a key that leads to one, or did when it leaked; None for any other."""
        for key in (api_key_key(key_hash), _leaked_key(key_hash)):
            item = await self._dynamo.get(self._table, key)
            if item is not None:
                return str(item["platformId"])
        return None

    async def policy(self, platform_id: str) -> Policy:
        item = await self._dynamo.get(self._table, _policy_key(platform_id))
        return Policy.NOTIFY if item is None else Policy(item["policy"])

    async def set_policy(self, platform_id: str, policy: Policy) -> None:
        await self._dynamo.write(put(self._table, _policy_key(platform_id) | {"policy": str(policy)}))

    async def find(self, platform_id: str, key_hash: str) -> Leak | None:
        item = await self._dynamo.get(self._table, _leak_key(platform_id, key_hash))
        return None if item is None else _from_item(item)

    async def listed(self, platform_id: str) -> list[Leak]:
        """At most 50 of a platform's leaks, in no order."""
        items = await self._dynamo.query(self._table, f"leaks:{platform_id}", limit=MOST_LISTED)
        return [_from_item(item) for item in items]

    async def store(self, before: Credential, after: Credential, leak: Leak, now: datetime) -> None:
        """The notice and what was done to the credential, all or nothing.

        Raises VersionMoved when either is not any more as it was read, NotApplied or OutcomeUnknown.
        """
        noticed = [
            put(self._table, _to_item(leak), **_unmoved(leak)),
            put(self._table, _leaked_key(leak.key_hash) | {"platformId": leak.platform_id}),
        ]
        await self._credentials.replace(before, after, now, noticed)

    async def replace(self, leak: Leak) -> None:
        """Store a changed notice alone. Raises VersionMoved, NotApplied or OutcomeUnknown."""
        try:
            await self._dynamo.write(put(self._table, _to_item(leak), **_unmoved(leak)))
        except ConditionFailed as error:
            raise VersionMoved from error


def _unmoved(leak: Leak) -> dict[str, Any]:
    if not leak.version:
        return {"condition": "attribute_not_exists(pk)"}
    return {
        "condition": "#version = :seen",
        "names": {"#version": "version"},
        "values": {":seen": leak.version},
    }


def _policy_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "leakPolicy"}


def _leak_key(platform_id: str, key_hash: str) -> dict[str, str]:
    return {"pk": f"leaks:{platform_id}", "sk": key_hash}


def _leaked_key(key_hash: str) -> dict[str, str]:
    return {"pk": f"leaked:{key_hash}", "sk": "leak"}


def _to_item(leak: Leak) -> Item:
    dismissed = {} if leak.dismissed_at is None else {"dismissedAt": leak.dismissed_at}
    return {
        **_leak_key(leak.platform_id, leak.key_hash),
        "keyEnd": leak.key_end,
        "deed": str(leak.deed),
        "deedAt": leak.deed_at,
        "places": [{"url": one.url, "source": one.source, "at": one.at} for one in leak.places],
        "version": leak.version + 1,
        **dismissed,
    }


def _from_item(item: Item) -> Leak:
    return Leak(
        platform_id=item["pk"].partition(":")[2],
        key_hash=item["sk"],
        key_end=item["keyEnd"],
        deed=Deed(item["deed"]),
        deed_at=item["deedAt"],
        places=tuple(Place(one["url"], one["source"], one["at"]) for one in item["places"]),
        dismissed_at=item.get("dismissedAt"),
        version=item["version"],
    )

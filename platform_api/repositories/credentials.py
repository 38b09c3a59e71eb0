"""Credentials in platform-tokens: the items' shapes, and the one transaction that changes them all.

Called by platform_api.credentials and by leaks. Items:

    user:{userId}         credential           platformId
    platform:{platformId} credential           version, hashes, sealed key, times (the bridge reads version and hashes)
    apikey:{hash}         apikey               platformId; expiresAt on a key that was rotated away
    registry:{digit}      {platformId}         lists every platform, for the bridge's full comparison
    outbox:{day}          {instant}#{id}#{v}   one entry a change, for the bridge's worker; gone after 30 days
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from platform_api.credential import Credential
from shared.adapters.dynamodb import Dynamo, Item, TransactionCancelled, Write, delete, put
from shared.records.platform_credential import (
    PlatformCredential,
    credential_key,
    outbox_instant,
    outbox_partition,
    outbox_sort,
    registry_partition,
)

OUTBOX_KEPT = timedelta(days=30)


class VersionMoved(Exception):
    """Somebody else changed, or is just changing, the credential: read it again and decide again."""


class CredentialRepository:
    """The credentials' items in one table."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def find(self, user_id: str) -> Credential | None:
        """The developer's credential."""
        owner = await self._dynamo.get(self._table, _owner_key(user_id))
        if owner is None:
            return None
        return await self.of_platform(owner["platformId"])

    async def of_platform(self, platform_id: str) -> Credential | None:
        """The credential of a platform."""
        item = await self._dynamo.get(self._table, credential_key(platform_id))
        return None if item is None else _from_item(item)

    async def replace(self, before: Credential, after: Credential, now: datetime, also: Sequence[Write] = ()) -> None:
        """Store `after` where `before` still stands, tell the bridge of it, and write `also`, all or nothing.

        Where nothing changes, `also` alone. Raises VersionMoved, NotApplied or OutcomeUnknown.
        """
        changes = [] if after == before else self._writes(before, after, now)
        try:
            await self._dynamo.transact([*changes, *also])
        except TransactionCancelled as error:
            raise VersionMoved from error

    async def reach(self) -> None:
        """Ask the store for next to nothing. Raises Unavailable when it does not answer."""
        await self._dynamo.get(self._table, {"pk": "ready", "sk": "ready"}, consistent=False)

    def _writes(self, before: Credential, after: Credential, now: datetime) -> Iterator[Write]:
        if before.stored:
            names, values = {"#version": "version"}, {":seen": before.state.version}
            yield put(self._table, _to_item(after), "#version = :seen", names=names, values=values)
        else:
            owner = _owner_key(after.user_id) | {"platformId": after.platform_id}
            yield put(self._table, owner, "attribute_not_exists(pk)")
            yield put(self._table, _to_item(after), "attribute_not_exists(pk)")
            yield put(self._table, _listing(after.platform_id))
        yield put(self._table, _outbox_entry(after.state, now))
        yield from self._key_writes(before.state, after.state)

    def _key_writes(self, before: PlatformCredential, after: PlatformCredential) -> Iterator[Write]:
        was, becomes = _good_until(before), _good_until(after)
        for key_hash in was.keys() - becomes.keys():
            yield delete(self._table, api_key_key(key_hash))
        for key_hash, until in becomes.items():
            lasting = {} if until is None else {"expiresAt": until}
            yield put(self._table, api_key_key(key_hash) | {"platformId": after.platform_id} | lasting)


def _good_until(state: PlatformCredential) -> dict[str, int | None]:
    """The keys that lead to the platform, each with its end; None for the present one."""
    found: dict[str, int | None] = {}
    if state.previous_hash is not None:
        found[state.previous_hash] = state.previous_until
    if state.key_hash is not None:
        found[state.key_hash] = None
    return found


def _owner_key(user_id: str) -> dict[str, str]:
    return {"pk": f"user:{user_id}", "sk": "credential"}


def api_key_key(key_hash: str) -> dict[str, str]:
    """Where a key's hash leads to its platform."""
    return {"pk": f"apikey:{key_hash}", "sk": "apikey"}


def _listing(platform_id: str) -> Item:
    return {"pk": registry_partition(platform_id), "sk": platform_id, "platformId": platform_id}


def _outbox_entry(state: PlatformCredential, now: datetime) -> Item:
    instant = outbox_instant(now)
    return {
        "pk": outbox_partition(instant[:10]),
        "sk": outbox_sort(instant, state.platform_id, state.version),
        "platformId": state.platform_id,
        "version": state.version,
        "expiresAt": int((now + OUTBOX_KEPT).timestamp()),
    }


def _to_item(credential: Credential) -> Item:
    item = credential_key(credential.platform_id) | credential.state.to_item()
    optional = {
        "sealedKey": credential.sealed_key,
        "rotatedAt": credential.rotated_at,
        "revokedAt": credential.revoked_at,
    }
    item |= {"userId": credential.user_id, "createdAt": credential.created_at}
    return item | {name: value for name, value in optional.items() if value is not None}


def _from_item(item: Item) -> Credential:
    return Credential(
        user_id=item["userId"],
        state=PlatformCredential.from_item(item),
        sealed_key=item.get("sealedKey"),
        created_at=item["createdAt"],
        rotated_at=item.get("rotatedAt"),
        revoked_at=item.get("revokedAt"),
    )

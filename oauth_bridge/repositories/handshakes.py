"""OAuth handshakes under way, in tenant-tokens: written when a developer is sent away, taken once when they return.

Called by oauth_bridge.handshakes. Only hashes of the state and of the browser's secret are stored.
"""

from dataclasses import dataclass

from shared.adapters.dynamodb import ConditionFailed, Dynamo, delete, put


@dataclass(frozen=True, slots=True)
class Handshake:
    """Who was sent to which provider, for which platform. `verifier` is PKCE's, where the provider does it."""

    provider: str
    user_id: str
    platform_id: str
    verifier: str | None = None


class HandshakeStore:
    """The `oauth:{hash of the state}` items."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def save(self, state_hash: str, browser_hash: str, handshake: Handshake, expires_at: int) -> None:
        item = {
            **_key(state_hash),
            "provider": handshake.provider,
            "userId": handshake.user_id,
            "platformId": handshake.platform_id,
            "browser": browser_hash,
            "verifier": handshake.verifier,
            "expiresAt": expires_at,
        }
        await self._dynamo.write(put(self._table, item, "attribute_not_exists(pk)"))

    async def take(self, provider: str, state_hash: str, browser_hash: str, now: int) -> Handshake | None:
        """The handshake, which is gone then; None, and nothing changed, unless everything fits."""
        write = delete(
            self._table,
            _key(state_hash),
            "#provider = :provider AND #browser = :browser AND #end > :now",
            names={"#provider": "provider", "#browser": "browser", "#end": "expiresAt"},
            values={":provider": provider, ":browser": browser_hash, ":now": now},
        )
        try:
            item = await self._dynamo.write(write)
        except ConditionFailed:
            return None
        return None if item is None else Handshake(provider, item["userId"], item["platformId"], item.get("verifier"))


def _key(state_hash: str) -> dict[str, str]:
    return {"pk": f"oauth:{state_hash}", "sk": "state"}

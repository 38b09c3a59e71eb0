"""What billing keeps of a platform beside its tiers: the connected account, its portal, and where it may return to."""

from dataclasses import dataclass

from shared.adapters.dynamodb import ConditionFailed, Dynamo, put, update
from shared.records.tenant_config import (
    StripeConnection,
    account_key,
    connection_key,
    origins_from_item,
    origins_key,
)


@dataclass(frozen=True, slots=True)
class PortalConfiguration:
    """The portal made on an account; `terms` is a hash of what it offers."""

    account_id: str
    configuration_id: str
    terms: str


class Connections:
    """The `stripe`, `portal` and `origins` items of platforms, and the `account` items that lead to them."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def of_platform(self, platform_id: str) -> StripeConnection | None:
        item = await self._dynamo.get(self._table, connection_key(platform_id))
        return None if item is None else StripeConnection.from_item(item)

    async def of_account(self, account_id: str) -> tuple[str, StripeConnection] | None:
        """The platform an account belongs to, and its connection; None unless both items agree."""
        item = await self._dynamo.get(self._table, account_key(account_id))
        platform_id = None if item is None else str(item["platformId"])
        connection = None if platform_id is None else await self.of_platform(platform_id)
        if platform_id is None or connection is None or connection.account_id != account_id:
            return None
        return platform_id, connection

    async def disconnect(self, platform_id: str, seen: StripeConnection) -> bool:
        """Mark it disconnected; False when it is not the connection seen any more."""
        write = update(
            self._table,
            connection_key(platform_id),
            "SET #status = :status",
            "#account = :account AND #at = :at",
            names={"#status": "status", "#account": "accountId", "#at": "connectedAt"},
            values={":status": "disconnected", ":account": seen.account_id, ":at": seen.connected_at},
        )
        try:
            await self._dynamo.write(write)
        except ConditionFailed:
            return False
        return True

    async def origins(self, platform_id: str) -> tuple[str, ...]:
        return origins_from_item(await self._dynamo.get(self._table, origins_key(platform_id)))

    async def portal(self, platform_id: str) -> PortalConfiguration | None:
        item = await self._dynamo.get(self._table, _portal_key(platform_id))
        return None if item is None else PortalConfiguration(item["accountId"], item["configurationId"], item["terms"])

    async def save_portal(self, platform_id: str, portal: PortalConfiguration) -> None:
        known = {"accountId": portal.account_id, "configurationId": portal.configuration_id, "terms": portal.terms}
        await self._dynamo.write(put(self._table, _portal_key(platform_id) | known))


def _portal_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "portal"}

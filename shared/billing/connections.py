"""Which connected account is whose: the `stripe` items of platforms, and the `account` items that lead to them.

The bridge connects and disconnects; tenant_api looks up, and disconnects when Stripe tells that an account has left.
"""

import asyncio

from shared.adapters.dynamodb import ConditionFailed, Dynamo, TransactionCancelled, Write, check, put, update
from shared.domain.errors import Unavailable
from shared.records.tenant_config import StripeConnection, account_key, connection_key

ATTEMPTS = 10


class ConnectedAccounts:
    """tenant-tokens, what concerns connected accounts. One account serves one platform at a time."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def of_platform(self, platform_id: str) -> StripeConnection | None:
        item = await self._dynamo.get(self._table, connection_key(platform_id))
        return None if item is None else StripeConnection.from_item(item)

    async def of_account(self, account_id: str) -> tuple[str, StripeConnection] | None:
        """The platform an account belongs to, and its connection; None unless both items agree."""
        platform_id = await self._owner(account_id)
        connection = None if platform_id is None else await self.of_platform(platform_id)
        if platform_id is None or connection is None or connection.account_id != account_id:
            return None
        return platform_id, connection

    async def connect(self, platform_id: str, connection: StripeConnection) -> bool:
        """Make it the platform's account; False when it serves another one, or this one is connected elsewhere.

        A platform that has disconnected gives its account free: who owns it may take it to another.
        """
        for attempt in range(ATTEMPTS):
            try:
                await self._dynamo.transact(await self._connecting(platform_id, connection))
            except TransactionCancelled as error:
                if not error.conflict:
                    return False
                await asyncio.sleep(0.02 * attempt)
            else:
                return True
        raise Unavailable("Others are connecting the same account just now; try again.", retry_after_seconds=1)

    async def _connecting(self, platform_id: str, connection: StripeConnection) -> list[Write]:
        owner = await self._owner(connection.account_id)
        writes = [self._take_connection(platform_id, connection), self._take_account(platform_id, connection, owner)]
        if owner not in {None, platform_id}:
            gone = "attribute_not_exists(pk) OR #status = :disconnected OR #account <> :account"
            named = {"#status": "status", "#account": "accountId"}
            values = {":disconnected": "disconnected", ":account": connection.account_id}
            writes.append(check(self._table, connection_key(str(owner)), gone, names=named, values=values))
        return writes

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

    async def _owner(self, account_id: str) -> str | None:
        item = await self._dynamo.get(self._table, account_key(account_id))
        return None if item is None else str(item["platformId"])

    def _take_connection(self, platform_id: str, connection: StripeConnection) -> Write:
        return put(
            self._table,
            connection_key(platform_id) | connection.to_item(),
            "attribute_not_exists(pk) OR #status = :disconnected OR #account = :account",
            names={"#status": "status", "#account": "accountId"},
            values={":disconnected": "disconnected", ":account": connection.account_id},
        )

    def _take_account(self, platform_id: str, connection: StripeConnection, owner: str | None) -> Write:
        item = account_key(connection.account_id) | {"platformId": platform_id}
        if owner is None:
            return put(self._table, item, "attribute_not_exists(pk)")
        return put(self._table, item, "#platform = :owner", names={"#platform": "platformId"}, values={":owner": owner})

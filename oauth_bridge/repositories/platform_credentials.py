"""The platform side as the bridge may see it: credentials, their outbox and the registry. Reads only.

The worker follows the outbox and walks the registry; the tier use case asks whose platform is whose.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.adapters.dynamodb import Dynamo
from shared.records.platform_credential import PlatformCredential, credential_key, outbox_partition


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the outbox: at `instant`, by the writer's clock, the platform's credential got `version`."""

    sort: str
    instant: datetime
    platform_id: str
    version: int


class PlatformCredentials:
    """platform-tokens, for reading."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def credential(self, platform_id: str) -> PlatformCredential | None:
        item = await self._dynamo.get(self._table, credential_key(platform_id))
        return None if item is None else PlatformCredential.from_item(item)

    async def platform_of(self, user_id: str) -> str | None:
        """The platform of a developer, None before they have credentials."""
        item = await self._dynamo.get(self._table, {"pk": f"user:{user_id}", "sk": "credential"})
        return None if item is None else str(item["platformId"])

    async def changes(self, day: str, after: str | None, limit: int) -> list[Change]:
        """The next entries of one UTC day's outbox, in order, those that sort above `after`."""
        items = await self._dynamo.query(self._table, outbox_partition(day), after=after, limit=limit)
        return [
            Change(item["sk"], _instant(item["sk"].partition("#")[0]), item["platformId"], item["version"])
            for item in items
        ]

    async def listed(self, partition: str, after: str | None, limit: int) -> list[str]:
        """The next platform ids of one partition of the registry, in order."""
        items = await self._dynamo.query(self._table, partition, after=after, limit=limit)
        return [item["sk"] for item in items]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)

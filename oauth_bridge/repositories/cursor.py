"""How far the outbox has been carried over: one item in tenant-tokens that only moves forward.

Every worker process stores its own progress here; a start reads it.
"""

from datetime import datetime

from shared.adapters.dynamodb import ConditionFailed, Dynamo, update
from shared.records.platform_credential import outbox_instant

_KEY = {"pk": "bridge", "sk": "cursor"}


class CursorStore:
    """The stored cursor: every change visible up to this instant has been carried over."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def load(self) -> datetime | None:
        item = await self._dynamo.get(self._table, _KEY)
        return None if item is None else datetime.fromisoformat(item["position"])

    async def save(self, position: datetime) -> None:
        """Move forward to `position`; nothing happens when another worker is further already."""
        write = update(
            self._table,
            _KEY,
            "SET #position = :position",
            "attribute_not_exists(pk) OR #position < :position",
            names={"#position": "position"},
            values={":position": outbox_instant(position)},
        )
        try:
            await self._dynamo.write(write)
        except ConditionFailed:
            return

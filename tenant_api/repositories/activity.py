"""What platforms' end-users have done, added up: one row for each day, platform and process, in tenant-usage.

Rows: `stats:{platformId}` / `{date}#{process}`. While a process may still count on a day, `open:{process}` /
`{date}#{platformId}` stands, and `processes` / process says when it was last heard of: so what a killed process left
open is found and recounted (tenant_api/recount.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from shared.adapters.dynamodb import ConditionFailed, Dynamo, Item, delete, put, update
from shared.metering.share import Share, share_from_wire, share_to_wire

KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Activity:
    """What one process counted for a platform on a day. Of rows with the same process and day, the highest version
    is the newest.
    """

    day: date
    process: str
    share: Share = field(default_factory=dict)
    over_quota: int = 0
    rate_limited: int = 0
    version: int = 0

    def to_item(self, platform_id: str) -> Item:
        return {
            **_row_key(platform_id, self.day, self.process),
            "tiers": share_to_wire(self.share),
            "overQuota": self.over_quota,
            "rateLimited": self.rate_limited,
            "version": self.version,
            "expiresAt": _expires(self.day),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> "Activity":
        day, _, process = str(item["sk"]).partition("#")
        tiers = item["tiers"]
        share = share_from_wire(tiers) if isinstance(tiers, dict) else {}
        numbers = [int(str(item[name])) for name in ("overQuota", "rateLimited", "version")]
        return cls(date.fromisoformat(day), process, share, *numbers)


@dataclass(frozen=True, slots=True)
class Opened:
    """A day on which a process may have counted for a platform more than its row says."""

    process: str
    day: date
    platform_id: str


class ActivityRows:
    """The rows, and which of them are still open."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def since(self, platform_id: str, day: date) -> list[Activity]:
        """The rows of a platform from that day on."""
        items = await self._dynamo.query(self._table, f"stats:{platform_id}", after=day.isoformat(), consistent=False)
        return [Activity.from_item(item) for item in items]

    async def find(self, opened: Opened) -> Activity | None:
        key = _row_key(opened.platform_id, opened.day, opened.process)
        item = await self._dynamo.get(self._table, key)
        return None if item is None else Activity.from_item(item)

    async def save(self, platform_id: str, row: Activity) -> None:
        """Store what its process says, unless something newer is there."""
        condition = "attribute_not_exists(pk) OR #version < :version"
        names, values = {"#version": "version"}, {":version": row.version}
        await self._dynamo.write(put(self._table, row.to_item(platform_id), condition, names=names, values=values))

    async def correct(self, platform_id: str, seen: Activity | None, row: Activity) -> bool:
        """Store a recount; False when the process has said something since."""
        condition, names, values = "attribute_not_exists(pk)", None, None
        if seen is not None:
            condition, names, values = "#version = :version", {"#version": "version"}, {":version": seen.version}
        try:
            await self._dynamo.write(put(self._table, row.to_item(platform_id), condition, names=names, values=values))
        except ConditionFailed:
            return False
        return True

    async def open(self, opened: Opened) -> None:
        key = _open_key(opened)
        await self._dynamo.write(put(self._table, key | {"expiresAt": _expires(opened.day)}))

    async def close(self, opened: Opened) -> None:
        await self._dynamo.write(delete(self._table, _open_key(opened)))

    async def opened(self, process: str, limit: int) -> list[Opened]:
        items = await self._dynamo.query(self._table, f"open:{process}", limit=limit)
        split = [str(item["sk"]).partition("#") for item in items]
        return [Opened(process, date.fromisoformat(day), platform_id) for day, _, platform_id in split]

    async def alive(self, process: str, now: datetime, *, known: bool) -> bool:
        """Note that a process lives; False when it was `known` and has been given up meanwhile."""
        condition = "attribute_exists(pk)" if known else None
        seen_at = {":now": int(now.timestamp())}
        key = {"pk": "processes", "sk": process}
        write = update(self._table, key, "SET #seen = :now", condition, names={"#seen": "seenAt"}, values=seen_at)
        try:
            await self._dynamo.write(write)
        except ConditionFailed:
            return False
        return True

    async def gone(self, process: str) -> None:
        """Nothing of this process is open any more."""
        await self._dynamo.write(delete(self._table, {"pk": "processes", "sk": process}))

    async def silent(self, before: datetime) -> list[str]:
        """The processes last heard of before an instant."""
        items = await self._dynamo.query(self._table, "processes")
        return [str(item["sk"]) for item in items if item["seenAt"] < before.timestamp()]


def _row_key(platform_id: str, day: date, process: str) -> dict[str, str]:
    return {"pk": f"stats:{platform_id}", "sk": f"{day.isoformat()}#{process}"}


def _open_key(opened: Opened) -> dict[str, str]:
    return {"pk": f"open:{opened.process}", "sk": f"{opened.day.isoformat()}#{opened.platform_id}"}


def _expires(day: date) -> int:
    return int((datetime.fromisoformat(day.isoformat() + "T00:00:00+00:00") + KEPT).timestamp())

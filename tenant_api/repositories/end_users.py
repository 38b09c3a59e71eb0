"""A platform's end-users in tenant-usage: the register of all who ever called, and hints at who calls most.

`users:{platformId}` / userId is written before somebody's first call is counted, so it lists everybody. `rank:…` and
`near:…` are hints: moved a moment after a count has passed a step, and compared with the exact count by who reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.adapters.dynamodb import Dynamo, Item, Write, delete, put
from shared.domain.periods import Month
from shared.metering.usage_item import usage_key
from tenant_api.subjects import usage_parts, usage_subject

KEPT_AFTER_MONTH = timedelta(days=40)
TOP_STEP = 999
COUNTED = ("pk", "usageCount", "periodStart")
SHOWN = ("pk", "plan", "usageCount", "periodStart", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Hint:
    """Where an end-user stood when last moved: `step` is one of shared steps of use, higher for more."""

    step: int
    user_id: str


@dataclass(frozen=True, slots=True)
class Move:
    """An end-user's use in a month has passed from one step to another; 0: none."""

    platform_id: str
    month: Month
    user_id: str
    before: int
    after: int


class EndUserRows:
    """The register, the usage items it leads to, and the hints."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def register(self, platform_id: str, user_id: str) -> None:
        await self._dynamo.write(put(self._table, {"pk": f"users:{platform_id}", "sk": user_id}))

    async def is_registered(self, platform_id: str, user_id: str) -> bool:
        return await self._dynamo.get(self._table, {"pk": f"users:{platform_id}", "sk": user_id}) is not None

    async def listed(self, platform_id: str, prefix: str, after: str | None, limit: int) -> list[str]:
        """The ids of those whose id begins with `prefix`, in order."""
        items = await self._dynamo.query(
            self._table, f"users:{platform_id}", prefix=prefix, after=after, limit=limit, consistent=False
        )
        return [str(item["sk"]) for item in items]

    async def usage(self, platform_id: str, user_id: str) -> Item | None:
        return await self._dynamo.get(self._table, usage_key(usage_subject(platform_id, user_id)))

    async def usages(self, platform_id: str, user_ids: Sequence[str], *, whole: bool = False) -> dict[str, Item]:
        """The usage items of several, by user id: what a list shows of them, or `whole` as they are this moment."""
        keys = [usage_key(usage_subject(platform_id, user_id)) for user_id in dict.fromkeys(user_ids)]
        items = await self._dynamo.get_many(self._table, keys, consistent=whole, only=() if whole else SHOWN)
        found = {usage_parts(str(item["pk"])): item for item in items}
        return {parts[1]: item for parts, item in found.items() if parts is not None}

    async def most_active(self, platform_id: str, month: Month, after: Hint | None, limit: int) -> list[Hint]:
        """Hints from the highest step down."""
        start = None if after is None else _rank(after.step, after.user_id)
        items = await self._dynamo.query(
            self._table, f"rank:{platform_id}:{month}", after=start, limit=limit, consistent=False
        )
        split = [str(item["sk"]).partition("#") for item in items]
        return [Hint(TOP_STEP - int(inverted), user_id) for inverted, _, user_id in split]

    async def on_step(self, platform_id: str, month: Month, step: int, after: str | None, limit: int) -> list[Hint]:
        """The hints of one step, by user id."""
        items = await self._dynamo.query(
            self._table,
            f"rank:{platform_id}:{month}",
            prefix=_rank(step, ""),
            after=None if after is None else _rank(step, after),
            limit=limit,
            consistent=False,
        )
        return [Hint(step, str(item["sk"]).partition("#")[2]) for item in items]

    async def hinted(self, platform_id: str, month: Month, limit: int) -> set[str]:
        """Who has a hint."""
        items = await self._dynamo.query(self._table, f"rank:{platform_id}:{month}", limit=limit, consistent=False)
        return {str(item["sk"]).partition("#")[2] for item in items}

    async def used(self, platform_id: str, user_ids: Sequence[str], month: Month) -> dict[str, int]:
        """What those of the end-users who have called in the month have used in it."""
        keys = [usage_key(usage_subject(platform_id, user_id)) for user_id in dict.fromkeys(user_ids)]
        items = await self._dynamo.get_many(self._table, keys, only=COUNTED)
        parts = [(usage_parts(str(item["pk"])), item) for item in items]
        return {
            found[1]: int(item["usageCount"])
            for found, item in parts
            if found is not None and Month.parse(str(item["periodStart"])[:7]) >= month
        }

    async def have_hints(self, platform_id: str, month: Month, hints: Sequence[Hint]) -> set[Hint]:
        """Those of the hints that stand there."""
        keys = [{"pk": f"rank:{platform_id}:{month}", "sk": _rank(hint.step, hint.user_id)} for hint in hints]
        found = {str(item["sk"]) for item in await self._dynamo.get_many(self._table, keys)}
        return {hint for hint in hints if _rank(hint.step, hint.user_id) in found}

    async def near_limit(self, platform_id: str, month: Month, limit: int) -> list[str]:
        items = await self._dynamo.query(self._table, f"near:{platform_id}:{month}", limit=limit, consistent=False)
        return [str(item["sk"]) for item in items]

    async def hint(self, moves: Sequence[Move], near: Sequence[tuple[str, Month, str]]) -> None:
        """Write hints down. What fails is lost: whoever reads them compares with the counts."""
        writes: list[Write] = []
        for move in moves:
            partition = f"rank:{move.platform_id}:{move.month}"
            if move.after:
                item = {"pk": partition, "sk": _rank(move.after, move.user_id), "expiresAt": _expires(move.month)}
                writes.append(put(self._table, item))
            if move.before and move.before != move.after:
                writes.append(delete(self._table, {"pk": partition, "sk": _rank(move.before, move.user_id)}))
        for platform_id, month, user_id in near:
            key = {"pk": f"near:{platform_id}:{month}", "sk": user_id}
            writes.append(put(self._table, key | {"expiresAt": _expires(month)}))
        await self._dynamo.write_many(writes)


def month_of(day: date) -> Month:
    return Month(day.year, day.month)


def _rank(step: int, user_id: str) -> str:
    return f"{TOP_STEP - step:03d}#{user_id}"


def _expires(month: Month) -> int:
    end: datetime = month.end + KEPT_AFTER_MONTH
    return int(end.timestamp())

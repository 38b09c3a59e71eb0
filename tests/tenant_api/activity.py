"""Processes that count and add up in one store, and what the store then says: for the tests of the figures."""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta

from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import random_bytes
from shared.domain.quota import Quota
from shared.metering.calls import Counted, Idempotency
from shared.metering.counter import Counter
from shared.metering.share import Share, added
from shared.metering.stamps import process_name
from tenant_api.recount import Recount
from tenant_api.repositories.activity import Activity, ActivityRows, Opened
from tenant_api.repositories.end_users import EndUserRows
from tenant_api.subjects import usage_subject
from tenant_api.tally import Tally
from tests.clocks import SetClock

PLATFORM = "plt_" + "1" * 32
LONG_AGO = date(2026, 1, 1)


@dataclass
class Process:
    """What one tenant_api process has of its counting."""

    counter: Counter
    tally: Tally
    name: str
    ended: bool = False

    async def call(
        self,
        user: str,
        quota: Quota,
        units: int = 1,
        key: str | None = None,
        platform_id: str = PLATFORM,
    ) -> Counted:
        idempotency = None if key is None else Idempotency(key, "body")
        counted = await self.counter.count(usage_subject(platform_id, user), quota, units, idempotency)
        if not counted.decision.admitted:
            self.tally.refused(platform_id, user, counted.decision.verdict)
        return counted

    async def look(self) -> None:
        """What every lane does half a minute after a write of unknown outcome, without the half minute."""
        for lane in self.counter._lanes.values():
            if await lane._look():
                lane._attempts.never(list(lane._attempts.unknown))

    @property
    def in_doubt(self) -> bool:
        """Whether it does not know of some write what became of it."""
        return any(lane._attempts.unknown for lane in self.counter._lanes.values())

    async def stop(self) -> None:
        """As on SIGTERM."""
        self.ended = True
        await self.counter.close()
        await self.tally.close()

    def kill(self) -> None:
        """As by SIGKILL: nothing more is stored."""
        self.ended = True


@dataclass
class Processes:
    """Starts them in one store, and reads what it says."""

    dynamo: Dynamo
    prefix: str
    clock: SetClock

    @property
    def table(self) -> str:
        return self.prefix + "tenant-usage"

    @property
    def rows(self) -> ActivityRows:
        return ActivityRows(self.dynamo, self.table)

    @property
    def end_users(self) -> EndUserRows:
        return EndUserRows(self.dynamo, self.table)

    def start(self) -> Process:
        name = process_name(self.clock, random_bytes)
        tally = Tally(self.rows, self.end_users, self.clock, name)
        counter = Counter(self.dynamo, self.table, self.clock, random_bytes, process=name, observer=tally)
        return Process(counter, tally, name)

    async def recount(self, *living: Process) -> list[Opened]:
        """What the background does once the killed have been silent for long enough; the living were just heard of."""
        for process in living:
            await self.rows.alive(process.name, self.clock(), known=True)
        recount = Recount(self.rows, self.end_users, self.clock)
        return [opened async for opened in recount.everything(silent_seconds=0)]

    async def told(self, platform_id: str = PLATFORM) -> list[Activity]:
        return await self.rows.since(platform_id, LONG_AGO)

    async def by_day(self, platform_id: str = PLATFORM) -> dict[date, Share]:
        days: dict[date, Share] = {}
        for row in await self.told(platform_id):
            days[row.day] = added(days.get(row.day, {}), row.share)
        return {day: without_nothing(share) for day, share in days.items()}

    async def counts(self, platform_id: str = PLATFORM) -> dict[str, int]:
        """Every registered end-user's count."""
        user_ids = await self.end_users.listed(platform_id, "", None, 1000)
        items = await self.end_users.usages(platform_id, user_ids, whole=True)
        return {user_id: int(item["usageCount"]) for user_id, item in items.items()}

    async def open_days(self, process: Process) -> list[Opened]:
        return await self.rows.opened(process.name, 100)


def without_nothing(share: Share) -> Share:
    return {tier: pair for tier, pair in share.items() if pair != (0, 0)}


def yesterday(clock: SetClock) -> date:
    return clock().date() - timedelta(days=1)


async def together(*calls: "asyncio.Future[Counted]") -> list[Counted]:
    return list(await asyncio.gather(*calls))

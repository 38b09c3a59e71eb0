"""Recounts what killed processes left open: in the background of the service, and by `python -m tenant_api recount`.

A process that was not heard of for a minute has open days (repositories/activity.py) whose rows may lack its last
seconds. What it really counted stands in the end-users' items, so their shares are added up and the row is set to
that. A process that lives after all is not disturbed: its own word is newer.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta

from shared.adapters.system import Clock
from shared.domain.errors import Unavailable
from shared.metering.share import Share, added, units_of
from shared.metering.stamps import writer_name
from shared.metering.usage_item import Stored
from tenant_api.repositories.activity import Activity, ActivityRows, Opened
from tenant_api.repositories.end_users import EndUserRows

logger = logging.getLogger("dream_api.tally")

SILENT_SECONDS = 60.0
EVERY_SECONDS = 30.0
PAGE = 400
OPENED_AT_ONCE = 500


class Recount:
    """Walks the end-users of the platforms that a process left open."""

    def __init__(self, rows: ActivityRows, end_users: EndUserRows, clock: Clock) -> None:
        self._rows = rows
        self._end_users = end_users
        self._clock = clock

    async def everything(self, silent_seconds: float = SILENT_SECONDS) -> AsyncIterator[Opened]:
        """Recount and close what silent processes left open; answers each day that is put right."""
        for process in await self._rows.silent(self._clock() - timedelta(seconds=silent_seconds)):
            while opened := await self._rows.opened(process, OPENED_AT_ONCE):
                for platform_id in dict.fromkeys(one.platform_id for one in opened):
                    days = [one for one in opened if one.platform_id == platform_id]
                    async for done in self._platform(platform_id, process, days):
                        yield done
            await self._rows.gone(process)

    async def forever(self) -> None:
        """Again and again, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - spreads processes only
            try:
                async for _ in self.everything():
                    pass
            except Unavailable as error:
                logger.warning("recount waits", extra={"facts": {"why": error.message}})
            except Exception:
                logger.exception("recount failed")

    async def _platform(self, platform_id: str, process: str, days: Sequence[Opened]) -> AsyncIterator[Opened]:
        seen = [await self._rows.find(one) for one in days]
        found = await self._shares(platform_id, process, [one.day for one in days])
        for opened, before in zip(days, seen, strict=True):
            if await self._put_right(opened, before, found[opened.day]):
                yield opened
            await self._rows.close(opened)

    async def _shares(self, platform_id: str, process: str, days: Sequence[date]) -> dict[date, Share]:
        """What a process counted on these days: the sum of its shares in all end-users' items."""
        totals: dict[date, Share] = {day: {} for day in days}
        after: str | None = None
        while user_ids := await self._end_users.listed(platform_id, "", after, PAGE):
            after = user_ids[-1]
            for item in (await self._end_users.usages(platform_id, user_ids, whole=True)).values():
                stored = Stored.from_item(item)
                for day in days:
                    totals[day] = added(totals[day], stored.share_of(writer_name(day, process)))
        return totals

    async def _put_right(self, opened: Opened, before: Activity | None, found: Share) -> bool:
        known = before or Activity(opened.day, opened.process)
        if found == known.share or units_of(found) < units_of(known.share):
            return False  # items forget their oldest writers; what a process has said itself is true
        row = Activity(known.day, known.process, found, known.over_quota, known.rate_limited, known.version)
        facts = {"platformId": opened.platform_id, "day": opened.day.isoformat(), "process": opened.process}
        logger.warning("recounted", extra={"facts": {**facts, "units": units_of(found) - units_of(known.share)}})
        return await self._rows.correct(opened.platform_id, before, row)


@asynccontextmanager
async def recounting(recount: Recount) -> AsyncIterator[None]:
    """Recount beside what is done inside."""
    task = asyncio.create_task(recount.forever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

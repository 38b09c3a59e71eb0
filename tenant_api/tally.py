"""Adds up, by platform and day, what this process counts: the figures of the developers' dashboard.

Told by the counter (shared.metering.observer) and by usage.py. A day is marked open in the store before a platform's
first call of it is counted here, and its row holds everything once it is marked closed; what a killed process leaves
open is recounted from the end-users' items (recount.py). So the rows always sum up to the counts, and a call costs no
request of its own: a platform's row is written every few seconds however many calls there were.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial

from shared.adapters.dynamodb import ConditionFailed
from shared.adapters.system import Clock
from shared.domain.errors import Unavailable
from shared.domain.quota import Verdict
from shared.metering.observer import Written
from shared.metering.share import add
from shared.metering.stamps import Stamp
from tenant_api.moves import Moves
from tenant_api.repositories.activity import Activity, ActivityRows, Opened
from tenant_api.repositories.end_users import EndUserRows
from tenant_api.subjects import usage_parts, usage_platform

logger = logging.getLogger("dream_api.tally")

LOOK_SECONDS = 0.5
SOON_SECONDS, LATER_SECONDS = 2.0, 5.0  # after many calls, and after few
MANY = 20
ALIVE_SECONDS = 10.0
OVERDUE_SECONDS = 30.0  # not heard of for that long, nothing is counted before we were: others give us up after 60
ROWS_AT_ONCE = 16
PAUSES_SECONDS = (0.02, 0.1, 0.3)
QUIET = timedelta(minutes=2)  # after the end of a day: nothing is counted in it any more

Key = tuple[str, date]


@dataclass(slots=True)
class _Row:
    """A platform's day in this process. `pending` counts what the stored row does not say yet."""

    share: dict[str, tuple[int, int]] = field(default_factory=dict)
    over_quota: int = 0
    rate_limited: int = 0
    version: int = 0
    pending: int = 0
    dirty_since: float = 0.0
    opening: asyncio.Task[None] | None = None
    open: bool = False
    doubtful: bool = False
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def touched(self) -> None:
        if not self.pending:
            self.dirty_since = _now()
        self.pending += 1

    def due(self, now: float) -> bool:
        patience = SOON_SECONDS if self.pending >= MANY else LATER_SECONDS
        return self.pending > 0 and now - self.dirty_since >= patience


class Tally:
    """The sums of one process, which is named as in its counter."""

    def __init__(self, rows: ActivityRows, end_users: EndUserRows, clock: Clock, process: str) -> None:
        self._stored = rows
        self._end_users = end_users
        self._clock = clock
        self._process = process
        self._rows: dict[Key, _Row] = {}
        self._moves = Moves(end_users)
        self._known_alive = False
        self._heard = 0.0
        self._heard_at = 0.0  # the same by the clock that others judge us by
        self._renewing: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # -- told by the counter -----------------------------------------------------------------------------------------

    def before(self, subject: str, stamp: Stamp, now: datetime, first: bool, /) -> Awaitable[None] | None:
        """Open the day, and register an end-user, before what is counted could be missed."""
        platform_id = usage_platform(subject)
        if platform_id is None:
            return None
        row = self._row(platform_id, stamp.day)
        if row.open and not first and not self._overdue(now):
            return None
        return self._prepared(platform_id, stamp.day, row, first=subject if first else None)

    def written(self, written: Written, /) -> None:
        platform_id = usage_platform(written.subject)
        if platform_id is None:
            return
        row = self._row(platform_id, written.stamp.day)
        add(row.share, written.share)
        row.touched()
        self._moves.note(written)

    def doubtful(self, subject: str, stamp: Stamp, /) -> None:
        """This day is left open: the recount knows."""
        platform_id = usage_platform(subject)
        if platform_id is not None:
            self._row(platform_id, stamp.day).doubtful = True

    # -- told by the use case ----------------------------------------------------------------------------------------

    def refused(self, platform_id: str, user_id: str, verdict: Verdict) -> None:
        """Refusals are stored nowhere else: a killed process takes those of its last seconds with it."""
        now = self._clock().astimezone(UTC)
        row = self._row(platform_id, now.date())
        if verdict is Verdict.OVER_QUOTA:
            row.over_quota += 1
            self._moves.over_quota(platform_id, user_id, now)
        else:
            row.rate_limited += 1
        row.touched()

    # -- to the store ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._task = asyncio.create_task(self._forever())

    async def close(self) -> None:
        """Store everything and close the days; the counter has ended before. What fails is left open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.flush()
            await self._close_days(list(self._rows))
            if self._known_alive and not any(row.open for row in self._rows.values()):
                await self._stored.gone(self._process)
        except Unavailable as error:
            logger.warning("left open", extra={"facts": {"process": self._process, "why": error.message}})

    async def flush(self, platform_id: str | None = None) -> None:
        """Store what is new, of one platform or of all, and the hints."""
        keys = [
            key for key, row in self._rows.items() if row.pending and (platform_id is None or key[0] == platform_id)
        ]
        await self._save(keys)
        await self._moves.flush()

    async def _forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.stay_known()
                await self._save([key for key, row in self._rows.items() if row.due(_now())])
                await self._moves.flush()
                await self._end_days()
            except Unavailable:
                continue  # all of it is due again
            except Exception:
                logger.exception("tally waits")

    async def stay_known(self, *, at_once: bool = False) -> None:
        """Say now and then that this process lives; where it was given up meanwhile, open its days anew."""
        if not self._known_alive or not (at_once or _now() - self._heard >= ALIVE_SECONDS):
            return
        if not await self._stored.alive(self._process, self._clock(), known=True):
            await self._stored.alive(self._process, self._clock(), known=False)
            for row in self._rows.values():
                row.open = False
            await asyncio.gather(*(self._opened(key, row) for key, row in self._rows.items()))
        self._heard, self._heard_at = _now(), self._clock().timestamp()

    def _overdue(self, now: datetime) -> bool:
        """Whether others may have given us up, or soon will: a process can be made to sleep at any moment."""
        return self._known_alive and now.timestamp() - self._heard_at > OVERDUE_SECONDS

    async def _renewed(self) -> None:
        try:
            await _insisted(partial(self.stay_known, at_once=True))
        finally:
            self._renewing = None

    async def _end_days(self) -> None:
        over = (self._clock() - QUIET).astimezone(UTC).date()
        ended = [key for key, row in self._rows.items() if key[1] < over and not row.pending]
        await self._close_days(ended)
        for key in ended:
            if key[1] < over - timedelta(days=1) and not self._rows[key].open:
                del self._rows[key]

    async def _close_days(self, keys: list[Key]) -> None:
        for platform_id, day in keys:
            row = self._rows[platform_id, day]
            async with row.storing:
                if row.open and not row.pending and not row.doubtful:
                    row.open = False
                    await self._stored.close(Opened(self._process, day, platform_id))

    async def _save(self, keys: list[Key]) -> None:
        for start in range(0, len(keys), ROWS_AT_ONCE):
            await asyncio.gather(*(self._save_one(*key) for key in keys[start : start + ROWS_AT_ONCE]))

    async def _save_one(self, platform_id: str, day: date) -> None:
        row = self._rows[platform_id, day]
        async with row.storing:
            pending = row.pending
            if not pending:
                return
            row.version += 1
            told = Activity(day, self._process, dict(row.share), row.over_quota, row.rate_limited, row.version)
            try:
                await self._stored.save(platform_id, told)
            except ConditionFailed:
                # Somebody else writes under our name, or this day was forgotten here: only the recount can tell.
                logger.exception("row is newer", extra={"facts": {"platformId": platform_id, "process": self._process}})
                row.doubtful = True
            row.pending -= pending
            row.dirty_since = _now()

    async def _prepared(self, platform_id: str, day: date, row: _Row, *, first: str | None) -> None:
        """`first` is the subject that has no item yet."""
        if self._overdue(self._clock()):
            if self._renewing is None:
                self._renewing = asyncio.create_task(self._renewed())
            await asyncio.shield(self._renewing)
        if not row.open:
            if row.opening is None:
                row.opening = asyncio.create_task(self._opened((platform_id, day), row))
            await asyncio.shield(row.opening)
        registered = usage_parts(first) if first is not None else None
        if registered is not None:
            await _insisted(partial(self._end_users.register, *registered))

    async def _opened(self, key: Key, row: _Row) -> None:
        try:
            async with row.storing:
                if not self._known_alive:
                    await _insisted(partial(self._stored.alive, self._process, self._clock(), known=False))
                    self._known_alive, self._heard, self._heard_at = True, _now(), self._clock().timestamp()
                await _insisted(partial(self._stored.open, Opened(self._process, key[1], key[0])))
                row.open = True
        finally:
            row.opening = None

    def _row(self, platform_id: str, day: date) -> _Row:
        key = (platform_id, day)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row()
        return row


async def _insisted(write: Callable[[], Awaitable[object]]) -> None:
    """Do what may be done twice, through a hiccup of the store. Raises Unavailable after a while."""
    for pause in PAUSES_SECONDS:
        try:
            await write()
            return
        except Unavailable:
            await asyncio.sleep(pause)
    await write()


def _now() -> float:
    return time.monotonic()

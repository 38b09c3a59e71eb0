"""Follows the platform side's outbox: every change in it is carried over, however late or out of order it shows up.

Called by worker.py. A change may become visible after younger ones (writers' clocks differ, a transaction commits
late), so each pass looks back by an overlap and remembers what of it is done. comparison.py finds what is later still.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from oauth_bridge.reconcile import Outcome, Reconciler, Settled
from oauth_bridge.repositories.cursor import CursorStore
from oauth_bridge.repositories.platform_credentials import Change, PlatformCredentials
from shared import outside
from shared.adapters.system import Clock
from shared.adapters.tracing import Traces
from shared.domain.errors import Unavailable
from shared.records.platform_credential import outbox_instant

logger = logging.getLogger("dream_api.sync")

PAGE = 50  # entries read, and platforms settled, at once
KEPT = timedelta(days=29)  # a day less than the outbox keeps its entries: beyond it, it can't be complete
SAVE_EVERY = timedelta(seconds=5)  # a start repeats this much more; that is cheaper than a write a pass


@dataclass(slots=True)
class _Pass:
    """What one pass did, for its log line."""

    entries: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    lag: timedelta = timedelta(0)

    def add(self, changes: Sequence[Change], settled: Settled, now: datetime) -> None:
        self.entries += sum(change.platform_id in settled.outcomes for change in changes)
        self.outcomes.update(settled.counts())
        written = set(settled.with_outcome(Outcome.WRITTEN))
        self.lag = max([self.lag, *(now - change.instant for change in changes if change.platform_id in written)])

    def facts(self) -> dict[str, Any]:
        lag_ms = round(self.lag / timedelta(milliseconds=1), 1)
        return {"service": "oauth_bridge", "entries": self.entries, **self.outcomes, "lagMs": lag_ms}


class Outbox:
    """One worker's view of the outbox: its position, and what it has done of the overlap behind it."""

    def __init__(
        self,
        platform: PlatformCredentials,
        reconciler: Reconciler,
        cursor: CursorStore,
        clock: Clock,
        overlap: timedelta,
        traces: Traces | None = None,
    ) -> None:
        self._traces = traces
        self._platform = platform
        self._reconciler = reconciler
        self._cursor = cursor
        self._clock = clock
        self._overlap = overlap
        self._position = datetime.min.replace(tzinfo=UTC)
        self._saved = self._position
        self._done: set[str] = set()
        self._complete = False

    async def begin(self) -> None:
        """Start where the stored cursor is.

        Without one, or with one from before what the outbox still holds, start now and store none until everything
        was compared: a crash before that finds things as they were.
        """
        now, stored = self._clock(), await self._cursor.load()
        self._complete = stored is not None and stored >= now - KEPT
        self._position = stored if stored is not None and self._complete else now
        self._saved = self._position if self._complete else datetime.min.replace(tzinfo=UTC)

    def compared(self) -> None:
        """A full comparison that began after `begin` has ended: what the outbox did not hold is carried over too."""
        self._complete = True

    async def poll(self) -> None:
        """One pass: carry over what is new, then move the cursor. Raises Unavailable; nothing is skipped then."""
        now = self._clock()
        done, asked, failed = _Pass(), outside.begin(traced=self._traces is not None), False
        try:
            for day, after in _days(min(self._position, now) - self._overlap, now + self._overlap):
                await self._read_day(day, after, now, done)
        except Unavailable:
            failed = True
            raise
        finally:
            if done.entries:
                logger.info("sync", extra={"facts": done.facts() | asked.facts()})
            if self._traces is not None and (done.entries or failed):
                self._traces.worker_pass("sync", asked, done.facts(), failed=failed)
        self._move_to(now)
        await self._save()

    async def _read_day(self, day: str, after: str, now: datetime, done: _Pass) -> None:
        while True:
            page = await self._platform.changes(day, after, PAGE)
            new = [change for change in page if change.sort not in self._done]
            if new:
                await self._carry_over(new, done)
            if len(page) < PAGE:
                return
            after = page[-1].sort
            self._move_to(min(page[-1].instant, now))

    async def _carry_over(self, changes: Sequence[Change], done: _Pass) -> None:
        wanted: dict[str, int] = {}
        for change in changes:
            wanted[change.platform_id] = max(change.version, wanted.get(change.platform_id, 0))
        settled = await self._reconciler.several(wanted)
        ended = {one for one, outcome in settled.outcomes.items() if outcome is not Outcome.PENDING}
        self._done.update(change.sort for change in changes if change.platform_id in ended)
        done.add(changes, settled, self._clock())
        if settled.trouble is not None:
            raise settled.trouble

    def _move_to(self, instant: datetime) -> None:
        self._position = max(self._position, instant)
        horizon = outbox_instant(self._position - self._overlap)
        self._done = {sort for sort in self._done if sort > horizon}

    async def _save(self) -> None:
        if self._complete and self._position - self._saved >= SAVE_EVERY:
            await self._cursor.save(self._position)
            self._saved = self._position


def _days(start: datetime, end: datetime) -> Iterator[tuple[str, str]]:
    """The UTC days that a stretch of time touches, each with what its first wanted entry sorts above."""
    day, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
    while day <= last:
        yield day.isoformat(), outbox_instant(max(start, datetime.combine(day, time.min, UTC)))
        day += timedelta(days=1)

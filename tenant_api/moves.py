"""Notes who has passed a step of use or come near a limit, and writes these hints down a moment later.

Kept by tally.py. Hints may be late or lost: ranking.py compares them with the counts.
"""

import asyncio
import itertools
from datetime import datetime

from shared.domain.periods import Month
from shared.metering.observer import Written
from tenant_api.repositories.end_users import EndUserRows, Move, month_of
from tenant_api.steps import near, step_of
from tenant_api.subjects import usage_parts

AT_ONCE = 200
MOST = 20_000
MOST_KNOWN = 50_000

Who = tuple[str, Month, str]


class Moves:
    """What is to be written, each end-user once however often they moved meanwhile."""

    def __init__(self, end_users: EndUserRows) -> None:
        self._end_users = end_users
        self._steps: dict[Who, tuple[int, int]] = {}
        self._near: set[Who] = set()
        self._known_near: set[Who] = set()
        self._writing = asyncio.Lock()

    def note(self, written: Written) -> None:
        """Of a write of an end-user's calls."""
        used, before = written.used, written.used - written.units
        step, step_before = step_of(used), step_of(before)
        limit = written.quota.limit
        comes_near = near(used, limit) and (not near(before, limit) or written.plan_before != written.quota.plan)
        parts = usage_parts(written.subject) if comes_near or step != step_before else None
        if parts is None:
            return
        who = (parts[0], month_of(written.stamp.day), parts[1])
        if step != step_before and len(self._steps) < MOST:
            first, _ = self._steps.get(who, (step_before, step))
            self._steps[who] = (first, step)
        if comes_near:
            self._note_near(who)

    def over_quota(self, platform_id: str, user_id: str, now: datetime) -> None:
        """Also somebody whose limit has come down to them is near it."""
        self._note_near((platform_id, Month.of(now), user_id))

    def _note_near(self, who: Who) -> None:
        if who in self._known_near:
            return
        if len(self._known_near) >= MOST_KNOWN:
            self._known_near.clear()
        self._known_near.add(who)
        self._near.add(who)

    async def flush(self) -> None:
        """Who waits for this may read what was noted before."""
        async with self._writing:
            await self._write_some()

    async def _write_some(self) -> None:
        moved = [Move(*who, *steps) for who, steps in itertools.islice(self._steps.items(), AT_ONCE)]
        come_near = list(self._near)[:AT_ONCE]
        for move in moved:
            del self._steps[move.platform_id, move.month, move.user_id]
        self._near.difference_update(come_near)
        if moved or come_near:
            await self._end_users.hint(moved, come_near)

"""The order of use of a large platform's end-users, stretch by stretch: the most active first, each of them once.

Called by end_user_lists.py. Hints say who is on which step of use; within a step the order is that of the exact
counts, so a step is read whole. A stretch is some small steps, one large step, or those who have no hint: below the
first step. One of more than MOST_GATHERED goes on in the next, ordered anew.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.adapters.system import Clock
from shared.domain.errors import Unavailable
from shared.domain.periods import Month
from tenant_api.recent import Recent
from tenant_api.repositories.end_users import EndUserRows, Hint, Move
from tenant_api.steps import step_of

CHUNK = 100
GLANCE = 500  # of a large step, where a glance must do
MOST_GATHERED = 50_000
MOST_HINTED = 200_000  # known hints spare asking for those of everybody who has called often
READ_TOGETHER = 800  # end-users; eight requests under way, so that calls are counted in between
PAUSES_SECONDS = (0.1, 0.5)  # one of some hundred requests may fail
REMEMBERED_SECONDS, REMEMBERED = 60.0, 4  # a large stretch takes a second and some megabytes

Entry = tuple[int, str]  # what a list is sorted by, then the user id
Start = tuple[Any, ...]  # () the top; "hint", step, id: after that hint; "rest"[, id]: those without, after that id


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a list in its order, and where the next one begins; None at the end."""

    entries: Sequence[Entry]
    following: Start | None


class Ranking:
    """One platform at a time; a stretch has `most` end-users."""

    def __init__(self, rows: EndUserRows, clock: Clock, most: int = MOST_GATHERED) -> None:
        self._rows = rows
        self._clock = clock
        self._most = most
        self._large = Recent(self._gathered, REMEMBERED_SECONDS, most=REMEMBERED)

    async def stretch(self, platform_id: str, start: Start, *, glance: bool = False) -> Stretch:
        """From `start` on. With a glance the order of a large step is that of some of its members only.

        Raises ValueError or IndexError for a start that is none.
        """
        month = Month.of(self._clock())
        if start[:1] != ("rest",):
            hints = await self._rows.most_active(platform_id, month, _after(start), CHUNK)
            steps = {hint.step for hint in hints}
            if len(hints) < CHUNK or len(steps) > 1:
                # It ends with a whole step, so that the next one is below it.
                whole = hints if len(hints) < CHUNK else [hint for hint in hints if hint.step != hints[-1].step]
                return await self._of_hints(platform_id, month, whole, at_end=len(hints) < CHUNK)
            if glance:
                return await self._of_step(platform_id, month, hints[0].step, _after(start), GLANCE)
        return await self._large.get(json.dumps([platform_id, str(month), list(start)]))

    async def by_use(self, platform_id: str, user_ids: Sequence[str]) -> list[Entry]:
        """These by their exact counts, most first; also those who have used nothing."""
        used = await self._used(platform_id, user_ids, Month.of(self._clock()))
        return sorted((-used.get(one, 0), one) for one in user_ids)

    async def _gathered(self, key: str) -> Stretch:
        platform_id, of, start = json.loads(key)
        month = Month.parse(of)
        if start[:1] == ["rest"]:
            return await self._rest(platform_id, month, str(start[1]) if len(start) > 1 else None)
        after = _after(tuple(start))
        hints = await self._rows.most_active(platform_id, month, after, 1)
        if not hints:  # moved just now
            return Stretch((), ("rest",))
        return await self._of_step(platform_id, month, hints[0].step, after, self._most)

    async def _of_step(self, platform_id: str, month: Month, step: int, after: Hint | None, most: int) -> Stretch:
        inside = after.user_id if after is not None and after.step == step else None
        hints = await self._rows.on_step(platform_id, month, step, inside, most)
        return await self._of_hints(platform_id, month, hints, at_end=not hints)

    async def _of_hints(self, platform_id: str, month: Month, hints: Sequence[Hint], *, at_end: bool) -> Stretch:
        used = await self._used(platform_id, [hint.user_id for hint in hints], month)
        stale = await self._stale(platform_id, month, hints, used)
        entries = sorted(
            (-used[one.user_id], one.user_id) for one in hints if used.get(one.user_id) and one not in stale
        )
        return Stretch(entries, ("rest",) if at_end else ("hint", hints[-1].step, hints[-1].user_id))

    async def _stale(self, platform_id: str, month: Month, hints: Sequence[Hint], used: Mapping[str, int]) -> set[Hint]:
        """Hints left behind by somebody who has one of a higher step. They are removed; what was lost is written."""
        higher = {hint: range(hint.step + 1, step_of(used.get(hint.user_id, 0)) + 1) for hint in hints}
        asked = [Hint(step, hint.user_id) for hint, steps in higher.items() for step in steps]
        there = await self._there(platform_id, month, asked)
        stale = {hint for hint, steps in higher.items() if any(Hint(step, hint.user_id) in there for step in steps)}
        moves = [
            Move(platform_id, month, hint.user_id, hint.step, 0 if hint in stale else steps[-1])
            for hint, steps in higher.items()
            if steps
        ]
        await self._mend(moves)
        return stale

    async def _rest(self, platform_id: str, month: Month, after: str | None) -> Stretch:
        """Those below the first step, and whose hint was lost."""
        hinted = await self._rows.hinted(platform_id, month, MOST_HINTED)
        rest: list[str] = []
        at_end = False
        while not at_end and len(rest) < self._most:
            some = await self._rows.listed(platform_id, "", after, self._most)
            at_end, after = len(some) < self._most, some[-1] if some else after
            rest += [one for one in some if one not in hinted]
        used = await self._used(platform_id, rest, month)
        steps = {one: range(1, step_of(used.get(one, 0)) + 1) for one in rest}
        asked = [Hint(step, one) for one, below in steps.items() for step in below]
        elsewhere = {hint.user_id for hint in await self._there(platform_id, month, asked)}
        lost = [one for one in rest if steps[one] and one not in elsewhere]
        await self._mend([Move(platform_id, month, one, 0, steps[one][-1]) for one in lost])
        entries = sorted((-used.get(one, 0), one) for one in rest if one not in elsewhere)
        return Stretch(entries, None if at_end else ("rest", after))

    async def _used(self, platform_id: str, user_ids: Sequence[str], month: Month) -> dict[str, int]:
        used: dict[str, int] = {}
        for start in range(0, len(user_ids), READ_TOGETHER):
            used |= await self._insisted(platform_id, user_ids[start : start + READ_TOGETHER], month)
        return used

    async def _insisted(self, platform_id: str, user_ids: Sequence[str], month: Month) -> dict[str, int]:
        for pause in PAUSES_SECONDS:
            with suppress(Unavailable):
                return await self._rows.used(platform_id, user_ids, month)
            await asyncio.sleep(pause)
        return await self._rows.used(platform_id, user_ids, month)

    async def _there(self, platform_id: str, month: Month, hints: Sequence[Hint]) -> set[Hint]:
        there: set[Hint] = set()
        for start in range(0, len(hints), READ_TOGETHER):
            there |= await self._rows.have_hints(platform_id, month, hints[start : start + READ_TOGETHER])
        return there

    async def _mend(self, moves: Sequence[Move]) -> None:
        with suppress(Unavailable):  # whoever looks next will do it
            for start in range(0, len(moves), CHUNK):
                await self._rows.hint(moves[start : start + CHUNK], [])


def _after(start: Start) -> Hint | None:
    """Raises ValueError or IndexError."""
    if not start:
        return None
    if start[0] != "hint":
        raise ValueError("no place in this order")
    return Hint(int(start[1]), str(start[2]))

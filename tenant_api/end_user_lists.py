"""Lists of a platform's end-users, page by page: by use or by name, searched and filtered, at any number of them.

Called by routes/insights.py. A list is read in chunks: a whole small platform at once, which orders it exactly; a
large one by hints of use (ordered exactly within a chunk, then those below the first step by name), by name, or by
subscription. A page reads a bounded number of chunks, so one that filters a lot may come short, with a cursor to go on.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.adapters.system import Clock
from shared.domain.errors import BadRequest, Unavailable
from shared.domain.periods import Month
from tenant_api.end_users import EndUsers, EndUserView
from tenant_api.repositories.end_users import EndUserRows, Hint, Move
from tenant_api.repositories.subscribers import Subscribers
from tenant_api.steps import step_of

SMALL = 100  # a platform of so many is read whole
CHUNK = 100
MOST_CHUNKS = 6
MOST_LISTED = 100
TOP_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to show. `by_use`: most first, else by id."""

    by_use: bool = True
    prefix: str = ""
    tier: str | None = None
    status: str | None = None
    limit: int = 50

    def takes(self, one: EndUserView) -> bool:
        return (
            one.user_id.startswith(self.prefix) and self.tier in {None, one.plan} and self.status in {None, one.status}
        )


@dataclass(frozen=True, slots=True)
class Page:
    """`next` leads on; None at the end."""

    views: list[EndUserView]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a chunk begins (what that means is its source's), and how many of it were shown."""

    start: tuple[Any, ...] = ()
    shown: int = 0

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([list(self.start), self.shown]).encode()).decode()

    @classmethod
    def parse(cls, text: str | None) -> "_Place":
        """Raises BadRequest for anything that is no cursor of ours."""
        if not text:
            return cls()
        try:
            start, shown = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
            if not (isinstance(start, list) and isinstance(shown, int) and 0 <= shown <= CHUNK):
                raise ValueError
            if not all(isinstance(part, (str, int)) and part != "" for part in start) or len(start) > 3:
                raise ValueError
        except (ValueError, TypeError) as error:
            raise BadRequest("cursor is not one of ours; leave it out to begin anew.", field="cursor") from error
        return cls(tuple(start), shown)


Chunk = tuple[list[EndUserView], tuple[Any, ...] | None]  # and where the next one begins
Source = Callable[[tuple[Any, ...]], Awaitable[Chunk]]


class EndUserLists:
    """Lists of one platform at a time."""

    def __init__(self, rows: EndUserRows, subscribers: Subscribers, end_users: EndUsers, clock: Clock) -> None:
        self._rows = rows
        self._subscribers = subscribers
        self._end_users = end_users
        self._clock = clock

    async def page(self, platform_id: str, wanted: Wanted, cursor: str | None) -> Page:
        place = _Place.parse(cursor)
        source = await self._source(platform_id, wanted)
        shown: list[EndUserView] = []
        for _ in range(MOST_CHUNKS):
            try:
                views, following = await source(place.start)
            except (ValueError, TypeError, IndexError) as error:
                raise BadRequest("cursor belongs to another list; leave it out.", field="cursor") from error
            taken = [one for one in views if wanted.takes(one)]
            room = wanted.limit - len(shown)
            shown += taken[place.shown : place.shown + room]
            if place.shown + room < len(taken):
                return Page(shown, str(_Place(place.start, place.shown + room)))
            if following is None:
                return Page(shown, None)
            place = _Place(following)
            if len(shown) == wanted.limit:
                break
        return Page(shown, str(place))

    async def top(self, platform_id: str) -> list[EndUserView]:
        """Who calls most this month."""
        views = (await self.page(platform_id, Wanted(limit=TOP_SHOWN), None)).views
        return [one for one in views if one.used]

    async def _source(self, platform_id: str, wanted: Wanted) -> Source:
        if wanted.status is not None:
            return lambda start: self._subscribing(platform_id, wanted, start)
        few = await self._rows.listed(platform_id, wanted.prefix, None, SMALL + 1)
        if len(few) <= SMALL:
            return lambda _start: self._all_of(platform_id, few, wanted)
        if wanted.by_use and not wanted.prefix:
            return lambda start: self._by_use(platform_id, start)
        return lambda start: self._by_name(platform_id, wanted.prefix, start)

    async def _all_of(self, platform_id: str, user_ids: list[str], wanted: Wanted) -> Chunk:
        return _ordered(await self._end_users.views(platform_id, user_ids), by_use=wanted.by_use), None

    async def _subscribing(self, platform_id: str, wanted: Wanted, start: tuple[Any, ...]) -> Chunk:
        after = None if not start else str(start[0])
        found = await self._subscribers.listed(platform_id, after, CHUNK)
        ids = [one.user_id for one in found if one.status == wanted.status]
        views = _ordered(await self._end_users.views(platform_id, ids), by_use=wanted.by_use)
        return views, (found[-1].user_id,) if len(found) == CHUNK else None

    async def _by_name(self, platform_id: str, prefix: str, start: tuple[Any, ...]) -> Chunk:
        after = None if not start else str(start[0])
        user_ids = await self._rows.listed(platform_id, prefix, after, CHUNK)
        following = (user_ids[-1],) if len(user_ids) == CHUNK else None
        return await self._end_users.views(platform_id, user_ids), following

    async def _by_use(self, platform_id: str, start: tuple[Any, ...]) -> Chunk:
        """By hints as long as there are any (`"hint", step, id`), then the rest by name (`"rest", id`)."""
        if start[:1] == ("rest",):
            return await self._rest(platform_id, str(start[1]) if len(start) > 1 else None)
        after = None if not start else Hint(int(start[1]), str(start[2]))
        month = Month.of(self._clock())
        hints = await self._rows.most_active(platform_id, month, after, CHUNK)
        if len(hints) < CHUNK:
            following: tuple[Any, ...] = ("rest",)
        else:
            # A chunk ends with a whole step, so that the next one is below it.
            whole = [hint for hint in hints if hint.step != hints[-1].step]
            hints = whole or hints
            following = ("hint", hints[-1].step, hints[-1].user_id)
        views = await self._end_users.views(platform_id, [hint.user_id for hint in hints])
        stale = await self._stale(platform_id, month, hints, views)
        shown = [one for hint, one in zip(hints, views, strict=True) if hint not in stale and one.used]
        return _ordered(shown, by_use=True), following

    async def _stale(self, platform_id: str, month: Month, hints: list[Hint], views: list[EndUserView]) -> set[Hint]:
        """Hints left behind by somebody who has one of a higher step; they are removed on the way."""
        higher = {
            hint: [Hint(step, hint.user_id) for step in range(hint.step + 1, step_of(one.used) + 1)]
            for hint, one in zip(hints, views, strict=True)
        }
        asked = [hint for others in higher.values() for hint in others]
        if not asked:
            return set()
        there = await self._rows.have_hints(platform_id, month, asked)
        stale = {hint for hint, others in higher.items() if there.intersection(others)}
        with suppress(Unavailable):
            await self._rows.hint([Move(platform_id, month, hint.user_id, hint.step, 0) for hint in stale], [])
        return stale

    async def _rest(self, platform_id: str, after: str | None) -> Chunk:
        """Those below the first step, and whose hint was lost."""
        user_ids = await self._rows.listed(platform_id, "", after, CHUNK)
        views = await self._end_users.views(platform_id, user_ids)
        hints = {one.user_id: Hint(step_of(one.used), one.user_id) for one in views if step_of(one.used)}
        there = await self._rows.have_hints(platform_id, Month.of(self._clock()), list(hints.values()))
        rest = [one for one in views if one.user_id not in hints or hints[one.user_id] not in there]
        return rest, ("rest", user_ids[-1]) if len(user_ids) == CHUNK else None


def _ordered(views: list[EndUserView], *, by_use: bool) -> list[EndUserView]:
    return sorted(views, key=lambda one: (-one.used if by_use else 0, one.user_id))

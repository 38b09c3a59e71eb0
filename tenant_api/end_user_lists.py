"""Lists of a platform's end-users, page by page: by use or by name, searched and filtered, at any number of them.

Called by routes/insights.py. A list is read in stretches, each in its order: a whole small platform at once; a large
one by use (ranking.py), by name, or by subscription. A page looks at a bounded number of end-users, so one that
filters a lot may be cut short, says so, and has a cursor to go on.
"""

import base64
import json
from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from shared.domain.errors import BadRequest
from tenant_api.end_users import EndUsers, EndUserView
from tenant_api.ranking import MOST_GATHERED, Entry, Ranking, Start, Stretch
from tenant_api.repositories.end_users import EndUserRows
from tenant_api.repositories.subscribers import Subscribers

SMALL = 100  # a platform of so many is read whole
CHUNK = 100
FILTERING = 500  # looked at together where a filter is likely to leave few
MOST_LOOKED_AT = 3000
MOST_LISTED = 100
TOP_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to show. `by_use`: most first, else by id. A glance is quick and may be out of order."""

    by_use: bool = True
    prefix: str = ""
    tier: str | None = None
    status: str | None = None
    limit: int = 50
    glance: bool = False

    @property
    def together(self) -> int:
        """How many to look at together."""
        return CHUNK if self.tier is None and self.status is None else FILTERING

    def takes(self, one: EndUserView) -> bool:
        return (
            one.user_id.startswith(self.prefix) and self.tier in {None, one.plan} and self.status in {None, one.status}
        )


@dataclass(frozen=True, slots=True)
class Page:
    """`next` leads on; None at the end. Cut short: as many as may be were looked at, and there may be more."""

    views: list[EndUserView]
    next: str | None
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stretch begins (what that means is its source's), and the last entry of it that was looked at."""

    start: Start = ()
    after: Entry | None = None

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.start, self.after]).encode()).decode()

    @classmethod
    def parse(cls, text: str | None) -> "_Place":
        """Raises BadRequest for anything that is no cursor of ours."""
        if not text:
            return cls()
        try:
            start, after = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
            if not (isinstance(start, list) and len(start) <= 3):
                raise ValueError
            if not all(isinstance(part, (str, int)) and part != "" for part in start):
                raise ValueError
            if after is None:
                return cls(tuple(start))
            used, user_id = after
            if not (isinstance(used, int) and isinstance(user_id, str)):
                raise TypeError
            return cls(tuple(start), (used, user_id))
        except (ValueError, TypeError, RecursionError) as error:
            raise BadRequest("cursor is not one of ours; leave it out to begin anew.", field="cursor") from error


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is looked at together: part of the stretch that begins at `start`. `more`: it is not the end of the list."""

    start: Start
    entries: Sequence[Entry]
    more: bool


Source = Callable[[Start], Awaitable[Stretch]]


class EndUserLists:
    """Lists of one platform at a time; one page looks at `most` end-users."""

    def __init__(
        self,
        rows: EndUserRows,
        subscribers: Subscribers,
        end_users: EndUsers,
        ranking: Ranking,
        most: int = MOST_LOOKED_AT,
    ) -> None:
        self._rows = rows
        self._subscribers = subscribers
        self._end_users = end_users
        self._ranking = ranking
        self._most = most

    async def page(self, platform_id: str, wanted: Wanted, cursor: str | None) -> Page:
        place = _Place.parse(cursor)
        shown: list[EndUserView] = []
        looked_at = 0
        async with aclosing(self._batches(platform_id, wanted, place)) as batches:
            async for batch in batches:
                views = await self._end_users.views(platform_id, [user_id for _, user_id in batch.entries])
                for entry, view in zip(batch.entries, views, strict=True):
                    taken = wanted.takes(view)
                    if taken and len(shown) == wanted.limit:
                        return Page(shown, str(place))
                    place = _Place(batch.start, entry)
                    shown += [view] if taken else []
                looked_at += len(views)
                full = len(shown) == wanted.limit
                if batch.more and (full or looked_at >= self._most):
                    return Page(shown, str(place), cut_short=not full)
        return Page(shown, None)

    async def _batches(self, platform_id: str, wanted: Wanted, place: _Place) -> AsyncGenerator[_Batch, None]:
        source = await self._source(platform_id, wanted)
        start, after = place.start, place.after
        while True:
            try:
                stretch = await source(start)
            except (ValueError, TypeError, IndexError) as error:
                raise BadRequest("cursor belongs to another list; leave it out.", field="cursor") from error
            entries = stretch.entries[0 if after is None else bisect_right(stretch.entries, after) :]
            for begin in range(0, len(entries), wanted.together):
                end = begin + wanted.together
                yield _Batch(start, entries[begin:end], end < len(entries) or stretch.following is not None)
            if stretch.following is None:
                return
            start, after = stretch.following, None

    async def top(self, platform_id: str) -> list[EndUserView]:
        """Who calls most this month; of very many who call much the same, some."""
        views = (await self.page(platform_id, Wanted(limit=TOP_SHOWN, glance=True), None)).views
        return [one for one in views if one.used]

    async def _source(self, platform_id: str, wanted: Wanted) -> Source:
        if wanted.status is not None:
            return lambda start: self._subscribing(platform_id, wanted, start)
        few = await self._rows.listed(platform_id, wanted.prefix, None, SMALL + 1)
        if len(few) <= SMALL:
            return lambda _start: self._ordered(platform_id, few, wanted, None)
        if wanted.by_use and not wanted.prefix:
            return lambda start: self._ranking.stretch(platform_id, start, glance=wanted.glance)
        return lambda start: self._by_name(platform_id, wanted, start)

    async def _ordered(self, platform_id: str, user_ids: list[str], wanted: Wanted, following: Start | None) -> Stretch:
        if wanted.by_use:
            return Stretch(await self._ranking.by_use(platform_id, user_ids), following)
        return Stretch([(0, user_id) for user_id in user_ids], following)

    async def _subscribing(self, platform_id: str, wanted: Wanted, start: Start) -> Stretch:
        after, most = None if not start else str(start[0]), MOST_GATHERED if wanted.by_use else FILTERING
        found = await self._subscribers.listed(platform_id, after, most)
        ids = [one.user_id for one in found if one.status == wanted.status and one.user_id.startswith(wanted.prefix)]
        following = (found[-1].user_id,) if len(found) == most else None
        return await self._ordered(platform_id, ids, wanted, following)

    async def _by_name(self, platform_id: str, wanted: Wanted, start: Start) -> Stretch:
        after = None if not start else str(start[0])
        user_ids = await self._rows.listed(platform_id, wanted.prefix, after, wanted.together)
        following = (user_ids[-1],) if len(user_ids) == wanted.together else None
        return Stretch([(0, user_id) for user_id in user_ids], following)

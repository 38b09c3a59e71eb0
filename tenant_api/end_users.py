"""A platform's end-users as its developer sees them: who calls most, who is near their limit, lists, one of them.

Called by routes/insights.py and insights.py. Every figure is the exact count of the end-user's own item; the hints
(repositories/end_users.py) only say whom to look at, so that no list reads everybody of a large platform.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.dynamodb import Item
from shared.adapters.system import Clock
from shared.domain.errors import NotFound
from shared.domain.periods import Month, timestamp
from shared.domain.quota import UNLIMITED
from shared.records.tenant_config import Published
from tenant_api.recent import Recent
from tenant_api.repositories.end_users import EndUserRows
from tenant_api.repositories.subscribers import Subscriber, Subscribers
from tenant_api.steps import near

MOST_NEAR = 100  # hints looked at to show the ten nearest
NEAR_SHOWN = 10


@dataclass(frozen=True, slots=True)
class EndUserView:
    """Where one end-user stands this month. `limit` is None where their tier is not known any more."""

    user_id: str
    plan: str
    used: int
    limit: int | None
    last_seen: str | None
    status: str | None

    def to_json(self) -> dict[str, Any]:
        unlimited = self.limit is None or self.limit == UNLIMITED
        return {
            "userId": self.user_id,
            "plan": self.plan,
            "used": self.used,
            "limit": "unlimited" if unlimited else self.limit,
            "remaining": "unlimited" if unlimited else max(0, (self.limit or 0) - self.used),
            "lastSeen": self.last_seen,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class EndUserDetail:
    """One end-user with their days of the month (units by date) and their subscription."""

    view: EndUserView
    month: Month
    days: dict[int, int]
    subscriber: Subscriber | None

    def to_json(self) -> dict[str, Any]:
        month, record = self.month, None if self.subscriber is None else self.subscriber.record
        subscription = None
        if record is not None:
            subscription = {
                "status": record.status,
                "tier": record.plan or self.view.plan,
                "periodEnd": record.period_end,
                "cancelAt": record.cancel_at,
                "customerId": record.customer_id,
            }
        return {
            **self.view.to_json(),
            "periodStart": timestamp(month.start),
            "periodEnd": timestamp(month.end),
            "daily": [
                {"date": f"{month}-{day:02d}", "calls": self.days.get(day, 0)}
                for day in range(1, (month.end - month.start).days + 1)
            ],
            "subscription": subscription,
        }


class EndUsers:
    """Looks at end-users of one platform at a time."""

    def __init__(
        self, rows: EndUserRows, subscribers: Subscribers, publications: Recent[Published], clock: Clock
    ) -> None:
        self._rows = rows
        self._subscribers = subscribers
        self._publications = publications
        self._clock = clock

    async def views(self, platform_id: str, user_ids: Sequence[str]) -> list[EndUserView]:
        """In the order asked for; also those whose item is gone, who have used nothing."""
        published = await self._publications.get(platform_id)
        paying = user_ids if published.catalog.sells else ()
        items, subscribers = await asyncio.gather(
            self._rows.usages(platform_id, user_ids), self._subscribers.some(platform_id, paying)
        )
        now = self._clock()
        return [_view(one, items.get(one), subscribers.get(one), published, now) for one in user_ids]

    async def near_limit(self, platform_id: str) -> list[EndUserView]:
        """Those who have used most of a finite limit, the nearest first."""
        hints = await self._rows.near_limit(platform_id, Month.of(self._clock()), MOST_NEAR)
        views = [one for one in await self.views(platform_id, hints) if one.limit and near(one.used, one.limit)]
        return sorted(views, key=lambda one: (-one.used / (one.limit or 1), one.user_id))[:NEAR_SHOWN]

    async def detail(self, platform_id: str, user_id: str) -> EndUserDetail:
        """Raises NotFound for somebody who never called."""
        item, subscriber, published, known = await asyncio.gather(
            self._rows.usage(platform_id, user_id),
            self._subscribers.find(platform_id, user_id),
            self._publications.get(platform_id),
            self._rows.is_registered(platform_id, user_id),
        )
        if item is None and subscriber is None and not known:
            raise NotFound("No call was ever made for an end-user of this id; check the id.")
        now = self._clock()
        view, month = _view(user_id, item, subscriber, published, now), Month.of(now)
        days = item["days"] if item is not None and _month(item) == month else {}
        return EndUserDetail(view, month, {int(day): units for day, units in days.items()}, subscriber)


def _month(item: Item) -> Month:
    return Month.parse(str(item["periodStart"])[:7])


def _view(
    user_id: str, item: Item | None, subscriber: Subscriber | None, published: Published, now: datetime
) -> EndUserView:
    plan = _plan(item, subscriber, published, now)
    quota = published.bought(plan)
    used = int(item["usageCount"]) if item is not None and _month(item) >= Month.of(now) else 0
    return EndUserView(
        user_id=user_id,
        plan=plan,
        used=used,
        limit=None if quota is None else quota.limit,
        last_seen=None if item is None else str(item["lastUpdated"]),
        status=None if subscriber is None else subscriber.status,
    )


def _plan(item: Item | None, subscriber: Subscriber | None, published: Published, now: datetime) -> str:
    """What is paid for now; else what the last call was counted under, unless that was a subscription that ended."""
    if subscriber is not None:
        paid = subscriber.plan_at(now)
        if paid is not None:
            return paid
        ended = published.catalog.tier_of(subscriber.record.price_id or "")
        if item is None or item["plan"] == ended:
            return _free_name(published)
    return str(item["plan"]) if item is not None else _free_name(published)


def _free_name(published: Published) -> str:
    return next((tier.name for tier in published.config.tiers if tier.free), "free")

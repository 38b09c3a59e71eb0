"""The figures of a developer's dashboard, each the sum of what was counted.

Called by routes/insights.py. Calls are counted units. Calls, users and refusals are sums of the platform's rows
(repositories/activity.py), subscribers and recurring revenue sums over its subscriptions, revenue a sum of invoices.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.adapters.system import Clock
from shared.domain.periods import Month, timestamp
from shared.metering.share import Share, added, units_of, users_of
from shared.records.tenant_config import Published
from tenant_api.end_user_lists import EndUserLists
from tenant_api.end_users import EndUsers
from tenant_api.recent import Recent
from tenant_api.recurring import Recurring, RecurringSums
from tenant_api.repositories.activity import Activity, ActivityRows
from tenant_api.repositories.platforms import Platforms
from tenant_api.repositories.revenue import Revenue, RevenueRows
from tenant_api.tally import Tally

DAYS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Facts:
    """What the dashboard's figures are made of."""

    rows: Sequence[Activity]
    published: Published
    recurring: Recurring
    revenue: Sequence[Revenue]


class Insights:
    """Adds up one platform at a time."""

    def __init__(
        self,
        platforms: Platforms,
        publications: Recent[Published],
        stored: tuple[ActivityRows, RecurringSums, RevenueRows],
        people: tuple[EndUsers, EndUserLists],
        tally: Tally,
        clock: Clock,
    ) -> None:
        self._platforms = platforms
        self._publications = publications
        self._rows, self._recurring, self._revenue = stored
        self._end_users, self._lists = people
        self._tally = tally
        self._clock = clock

    async def dashboard(self, platform_id: str) -> dict[str, Any]:
        """The documented JSON. What this process has counted is in it; other processes' within seconds."""
        await self._tally.flush(platform_id)
        now = self._clock()
        name, facts, near_limit, top = await asyncio.gather(
            self._platforms.name(platform_id),
            self._facts(platform_id, now),
            self._end_users.near_limit(platform_id),
            self._lists.top(platform_id),
        )
        month = Month.of(now)
        return {
            "platformId": platform_id,
            "name": name,
            "period": {"start": timestamp(month.start), "end": timestamp(month.end)},
            "asOf": timestamp(now),
            **figures(facts, now),
            "nearLimit": [one.to_json() for one in near_limit],
            "topUsers": [one.to_json() for one in top],
        }

    async def _facts(self, platform_id: str, now: datetime) -> Facts:
        since = min(Month.of(now).start.date(), _today(now) - timedelta(days=DAYS_SHOWN - 1))
        return Facts(
            *await asyncio.gather(
                self._rows.since(platform_id, since),
                self._publications.get(platform_id),
                self._recurring.of_platform(platform_id),
                self._revenue.of_platform(platform_id),
            )
        )


def figures(facts: Facts, now: datetime) -> dict[str, Any]:
    """Everything that is a sum. Pure."""
    today, month = _today(now), Month.of(now)
    this_month = [row for row in facts.rows if (row.day.year, row.day.month) == (month.year, month.month)]
    share = _sum(this_month)
    return {
        "calls": {
            "month": units_of(share),
            "today": units_of(_sum(row for row in this_month if row.day == today)),
            "refused": {
                "overQuota": sum(row.over_quota for row in this_month),
                "rateLimited": sum(row.rate_limited for row in this_month),
            },
        },
        "users": {"active": users_of(share)},
        "byTier": _by_tier(share, facts),
        "daily": _daily(facts.rows, today),
        "revenue": _revenue(facts, now),
    }


def _by_tier(share: Share, facts: Facts) -> list[dict[str, Any]]:
    """The published tiers in their order, then those that were used or are paid for and are published no longer."""
    tiers = (*facts.published.config.tiers, *facts.published.catalog.withdrawn)
    shown_as = {tier.name: tier.display_name for tier in reversed(tiers)}
    published = [tier.name for tier in facts.published.config.tiers]
    others = sorted({tier for tier, pair in share.items() if pair != (0, 0)} | set(facts.recurring.subscribers))
    return [
        {
            "tier": tier,
            "displayName": shown_as.get(tier, tier),
            "activeUsers": share.get(tier, (0, 0))[1],
            "calls": share.get(tier, (0, 0))[0],
            "subscribers": facts.recurring.subscribers[tier],
            "mrr": facts.recurring.of_tier(tier),
        }
        for tier in dict.fromkeys([*published, *others])
    ]


def _daily(rows: Iterable[Activity], today: date) -> list[dict[str, Any]]:
    calls: dict[date, int] = defaultdict(int)
    refused: dict[date, int] = defaultdict(int)
    for row in rows:
        calls[row.day] += units_of(row.share)
        refused[row.day] += row.over_quota + row.rate_limited
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS_SHOWN))]
    return [{"date": day.isoformat(), "calls": calls[day], "refused": refused[day]} for day in days]


def _revenue(facts: Facts, now: datetime) -> list[dict[str, Any]]:
    month = Month.of(now)
    recurring = facts.recurring.of_all()
    paid = {(one.month, one.currency): one.amount_minor for one in facts.revenue}
    before = Month(month.year - (month.month == 1), (month.month - 2) % 12 + 1)
    currencies = {*recurring, *(currency for of, currency in paid if of in {month, before})}
    return [
        {
            "currency": currency,
            "mrr": recurring.get(currency, 0),
            "thisMonth": paid.get((month, currency), 0),
            "lastMonth": paid.get((before, currency), 0),
        }
        for currency in sorted(currencies)
    ]


def _sum(rows: Iterable[Activity]) -> Share:
    total: Share = {}
    for row in rows:
        total = added(total, row.share)
    return total


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()

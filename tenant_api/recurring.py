"""How many subscribe to each tier of a platform, and what they pay a month: sums over its subscriptions.

Called by insights.py. A platform with few subscribers is summed up at every look; for one with many a look takes a
moment, so its sums are remembered for one.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.adapters.system import Clock
from tenant_api.recent import Recent
from tenant_api.repositories.subscribers import Subscriber, Subscribers

FEW = 1000
PAGE = 2000
REMEMBERED_SECONDS = 60.0

ByCurrency = Mapping[str, int]


@dataclass
class Recurring:
    """By tier: subscribers, and what they pay a month by currency, in twelfths of a minor unit."""

    subscribers: Counter[str] = field(default_factory=Counter)
    twelfths: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, subscribers: Iterable[Subscriber], now: datetime) -> "Recurring":
        for one in subscribers:
            plan = one.plan_at(now)
            if plan is not None:
                self.subscribers[plan] += 1
                if one.counts_as_recurring and one.record.currency is not None:
                    self.twelfths[plan][one.record.currency] += one.twelfths
        return self

    def of_tier(self, tier: str) -> dict[str, int]:
        """What a tier brings each month, in minor units by currency."""
        return _months(self.twelfths.get(tier, Counter()))

    def of_all(self) -> dict[str, int]:
        return _months(sum(self.twelfths.values(), Counter[str]()))


class RecurringSums:
    """One platform at a time."""

    def __init__(self, subscribers: Subscribers, clock: Clock, few: int = FEW) -> None:
        self._subscribers = subscribers
        self._clock = clock
        self._few = few
        self._many = Recent(self._summed, REMEMBERED_SECONDS)

    async def of_platform(self, platform_id: str) -> Recurring:
        known = self._many.remembered(platform_id)
        if known is not None:
            return known[1]
        few = await self._subscribers.listed(platform_id, None, self._few)
        if len(few) < self._few:
            return Recurring().add(few, self._clock())
        return await self._many.get(platform_id)

    async def _summed(self, platform_id: str) -> Recurring:
        total, now = Recurring(), self._clock()
        after: str | None = None
        while page := await self._subscribers.listed(platform_id, after, PAGE):
            total.add(page, now)
            after = page[-1].user_id
            await asyncio.sleep(0)  # calls are counted in between
        return total


def _months(twelfths: Mapping[str, int]) -> dict[str, int]:
    return {currency: round(amount / 12) for currency, amount in twelfths.items()}

"""A developer's metered calls: counted against the plan, or refused with what to do about it.

Called by routes/usage.py. The decision and the write are shared.metering's; the numbers are in plans.py.
"""

from platform_api.entitlements import Entitlements
from shared.domain.errors import ApiError, RateLimited, UsageLimitReached
from shared.domain.periods import timestamp
from shared.domain.principal import Developer
from shared.domain.quota import Decision, Standing, Verdict
from shared.metering.calls import Counted, Idempotency
from shared.metering.counter import Counter


class Usage:
    """Counts developers' calls. `upgrade_url` is where a developer at the limit is sent."""

    def __init__(self, counter: Counter, entitlements: Entitlements, upgrade_url: str) -> None:
        self._counter = counter
        self._entitlements = entitlements
        self._upgrade_url = upgrade_url

    async def count(self, developer: Developer, idempotency: Idempotency | None) -> Counted:
        """Decide and count one call."""
        quota = await self._entitlements.quota(developer)
        return await self._counter.count(_subject(developer), quota, 1, idempotency)

    async def standing(self, developer: Developer) -> Standing:
        """Where the developer stands; counts nothing."""
        return await self._counter.standing(_subject(developer), await self._entitlements.quota(developer))

    def refusal(self, decision: Decision) -> ApiError | None:
        """The error a decision amounts to; None when the call was admitted."""
        quota = decision.quota
        if decision.verdict is Verdict.OVER_QUOTA:
            return UsageLimitReached(
                f"The {quota.plan} plan's {quota.limit} calls a month are used up; upgrade, or wait for next month.",
                limit=quota.limit,
                used=decision.usage.used,
                resetsAt=timestamp(decision.month_resets_at),
                upgradeUrl=self._upgrade_url,
            )
        if decision.verdict is Verdict.RATE_LIMITED:
            return RateLimited(
                f"More than {quota.rate_per_minute} calls in this minute; slow down and try again in the next.",
                limit=quota.rate_per_minute,
                resetsAt=timestamp(decision.minute_resets_at),
            )
        return None


def _subject(developer: Developer) -> str:
    return f"usage:{developer.user_id}"

"""An end-user's metered calls: counted against their tier, or refused with what to do about it.

Called by routes/usage.py. The decision and the write are shared.metering's.
"""

from shared.domain.errors import ApiError, RateLimited, TierLimitReached
from shared.domain.periods import timestamp
from shared.domain.principal import EndUser
from shared.domain.quota import Decision, Standing, Verdict
from shared.metering.calls import Counted, Idempotency
from shared.metering.counter import Counter
from tenant_api.entitlements import Entitlements
from tenant_api.subjects import usage_subject
from tenant_api.tally import Tally


class Usage:
    """Counts end-users' calls. `pages_url` is where a platform's pricing page is found."""

    def __init__(self, counter: Counter, entitlements: Entitlements, tally: Tally, pages_url: str) -> None:
        self._counter = counter
        self._tally = tally
        self._entitlements = entitlements
        self._pages_url = pages_url

    async def count(self, end_user: EndUser, units: int, idempotency: Idempotency | None) -> Counted:
        """Decide and count one call of `units`; a refusal is added up too."""
        counted = await self._decided(end_user, units, idempotency)
        if not counted.decision.admitted:
            self._tally.refused(end_user.platform_id, end_user.user_id, counted.decision.verdict)
        return counted

    async def _decided(self, end_user: EndUser, units: int, idempotency: Idempotency | None) -> Counted:
        quota = await self._entitlements.quota(end_user)
        counted = await self._counter.count(
            usage_subject(end_user.platform_id, end_user.user_id), quota, units, idempotency
        )
        if counted.decision.verdict is not Verdict.OVER_QUOTA:
            return counted
        renewed = await self._entitlements.renewed(end_user)
        if renewed is None or renewed == counted.decision.quota:
            return counted
        return await self._counter.count(
            usage_subject(end_user.platform_id, end_user.user_id), renewed, units, idempotency
        )

    async def standing(self, end_user: EndUser) -> Standing:
        """Where the end-user stands; counts nothing."""
        quota = await self._entitlements.renewed(end_user) or await self._entitlements.quota(end_user)
        return await self._counter.standing(usage_subject(end_user.platform_id, end_user.user_id), quota)

    def refusal(self, end_user: EndUser, units: int, decision: Decision) -> ApiError | None:
        """The error a decision amounts to; None when the call was admitted."""
        quota = decision.quota
        if decision.verdict is Verdict.OVER_QUOTA:
            return TierLimitReached(
                f"The {quota.plan} tier's limit of {quota.limit} a month does not leave {units} more; "
                "choose a larger tier, or wait for the next month.",
                usageCount=decision.usage.used,
                used=decision.usage.used,
                limit=quota.limit,
                requested=units,
                plan=quota.plan,
                resetsAt=decision.usage.month.texts[1],
                upgradeUrl=f"{self._pages_url}/p/{end_user.platform_id}",
            )
        if decision.verdict is Verdict.RATE_LIMITED:
            return RateLimited(
                f"More than {quota.rate_per_minute} calls in this minute; slow down and try again in the next.",
                limit=quota.rate_per_minute,
                plan=quota.plan,
                resetsAt=timestamp(decision.minute_resets_at),
            )
        return None

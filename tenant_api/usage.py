"""An end-user's metered calls: counted against their tier, or refused with what to do about it.

Called by routes/usage.py. The decision and the write are shared.metering's.
"""

from shared.domain.errors import ApiError, RateLimited, TierLimitReached
from shared.domain.periods import timestamp
from shared.domain.principal import EndUser
from shared.domain.quota import Decision, Quota, Standing, Verdict
from shared.metering.calls import Call, Counted, Idempotency
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
        quota = await self._entitlements.quota(end_user)
        counted = await self._counter.count(_subject(end_user), quota, units, idempotency)
        return counted if counted.decision.admitted else await self.renewed(end_user, units, counted, idempotency)

    def quota(self, end_user: EndUser) -> Quota | None:
        """What they may use; None where that has to be looked up. Raises UnknownTier and NoTier."""
        return self._entitlements.remembered(end_user)

    def begin(self, end_user: EndUser, call: Call) -> Decision | None:
        """Begin to count one call by the quota it names; a refusal at once where that needs no store.

        Whoever is told of a refusal has it `renewed` where that may help, else `refused`. Raises Unavailable.
        """
        return self._counter.begin(_subject(end_user), call)

    def may_be_renewed(self, end_user: EndUser, decision: Decision) -> bool:
        """Whether it has to be looked whether they have paid a moment ago."""
        return decision.verdict is Verdict.OVER_QUOTA and self._entitlements.may_be_renewed(end_user)

    def refused(self, end_user: EndUser, decision: Decision) -> None:
        """Add up a refusal."""
        self._tally.refused(end_user.platform_id, end_user.user_id, decision.verdict)

    async def renewed(
        self, end_user: EndUser, units: int, counted: Counted, idempotency: Idempotency | None = None
    ) -> Counted:
        """A refusal, looked at again where they may have paid a moment ago; one that stays so is added up."""
        if counted.decision.verdict is Verdict.OVER_QUOTA:
            quota = await self._entitlements.renewed(end_user)
            if quota is not None and quota != counted.decision.quota:
                counted = await self._counter.count(_subject(end_user), quota, units, idempotency)
        if not counted.decision.admitted:
            self.refused(end_user, counted.decision)
        return counted

    async def standing(self, end_user: EndUser) -> Standing:
        """Where the end-user stands; counts nothing."""
        quota = await self._entitlements.renewed(end_user) or await self._entitlements.quota(end_user)
        return await self._counter.standing(_subject(end_user), quota)

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


def _subject(end_user: EndUser) -> str:
    return usage_subject(end_user.platform_id, end_user.user_id)

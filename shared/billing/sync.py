"""Brings one subject's record to what Stripe says now, and tells Clerk: the only way a paid plan ever changes.

Called for every webhook event and by reconcile. An event only names whose billing to look at; what is true is read
from Stripe after the record was read, and written only if the record still is the one read. So events may come
doubled, late, lost or in any order: whoever writes last has looked last.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.adapters.stripe_gateway import StripeAccount
from shared.adapters.system import Clock
from shared.billing.records import BillingRecord, BillingRecords
from shared.domain.errors import Unavailable
from shared.domain.subscriptions import GRACE, Subscription, current, surplus

logger = logging.getLogger("dream_api.billing")

ATTEMPTS = 10

PlanOf = Callable[[BillingRecord, str], Awaitable[str | None]]
Tell = Callable[[BillingRecord], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Drift:
    """What a sync found different from the truth, and has put right (or would have, on a dry run)."""

    subject: str
    before: BillingRecord
    after: BillingRecord
    cancelled: tuple[str, ...] = ()
    untold: bool = False

    @property
    def found(self) -> bool:
        return not self.before.says_the_same(self.after) or bool(self.cancelled) or self.untold


class BillingSync:
    """`plan_of` names the plan or tier that a price buys (None: none of ours); `tell` writes the Clerk metadata."""

    def __init__(
        self, records: BillingRecords, plan_of: PlanOf, tell: Tell, clock: Clock, grace: timedelta = GRACE
    ) -> None:
        self._records = records
        self._plan_of = plan_of
        self._tell = tell
        self._clock = clock
        self._grace = grace

    async def run(self, subject: str, account: StripeAccount, *, dry: bool = False) -> Drift | None:
        """Repair one subject; None when it has no record. Raises Unavailable, and may be run again."""
        for _ in range(ATTEMPTS):
            seen = await self._records.find(subject)
            if seen is None:
                return None
            subscriptions = await account.subscriptions(seen.customer_id)
            kept = current(subscriptions, self._clock(), self._grace)
            after = await self._truth(seen, kept)
            extra = tuple(one.id for one in surplus(subscriptions, kept))
            drift = Drift(subject, seen, after, extra, untold=seen.told < seen.version)
            if dry:
                return drift
            if not after.says_the_same(seen):
                after = replace(after, version=seen.version + 1)
                if not await self._records.replace(seen, after):
                    continue
            await self._cancel(account, subject, extra)
            if await self._told(after):
                return drift
        raise Unavailable("This subscription changes faster than it can be followed.", retry_after_seconds=1)

    async def _truth(self, seen: BillingRecord, kept: Subscription | None) -> BillingRecord:
        if kept is None:
            return _without_subscription(seen)
        if not kept.known_status:
            facts = {"subject": seen.subject, "status": kept.status}
            logger.warning("unknown subscription status", extra={"facts": facts})
        paid_until = kept.paid_until(self._grace)
        plan = None if paid_until == 0 else await self._plan_of(seen, kept.price_id)
        return replace(
            seen,
            plan=plan,
            paid_until=None if plan is None else paid_until,
            subscription_id=kept.id,
            status=kept.status,
            price_id=kept.price_id,
            period_end=kept.period_end,
            cancel_at=kept.cancel_at,
        )

    async def _cancel(self, account: StripeAccount, subject: str, subscription_ids: tuple[str, ...]) -> None:
        for subscription_id in subscription_ids:
            await account.cancel(subscription_id)
            facts = {"subject": subject, "subscription": subscription_id}
            logger.warning("second subscription cancelled", extra={"facts": facts})

    async def _told(self, record: BillingRecord) -> bool:
        """Tell Clerk this version, unless it knows; False when the record moved on meanwhile."""
        if record.told >= record.version:
            return True
        await self._tell(record)
        return await self._records.mark_told(record)


def _without_subscription(seen: BillingRecord) -> BillingRecord:
    return BillingRecord(seen.subject, seen.account, seen.customer_id, seen.version, seen.told)

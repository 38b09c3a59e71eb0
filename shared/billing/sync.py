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
from shared.billing.records import OWN_ACCOUNT, BillingRecord, BillingRecords
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
        """Repair one subject; None when it has no record on that account. Raises Unavailable, and may be run again."""
        first: Drift | None = None
        overtaken = False
        for _ in range(ATTEMPTS):
            seen = await self._records.find(subject)
            if seen is None or seen.account != (account.account_id or OWN_ACCOUNT):
                return None
            drift = await self._look(seen, account)
            if dry:
                return drift
            first = first if first is not None and first.found else drift
            if not await self._stored(seen, drift.after):
                continue
            await self._cancel(account, subject, drift.cancelled)
            # Who was overtaken while telling may have told an older version last, whatever the record notes.
            if drift.after.told >= drift.after.version and not overtaken:
                return first
            await self._tell(drift.after)
            if await self._records.mark_told(drift.after):
                return first
            overtaken = True
        raise Unavailable("This subscription changes faster than it can be followed.", retry_after_seconds=1)

    async def _look(self, seen: BillingRecord, account: StripeAccount) -> Drift:
        """What the record should be by what Stripe says now."""
        subscriptions = await account.subscriptions(seen.customer_id)
        plans = {price_id: await self._plan_of(seen, price_id) for price_id in {one.price_id for one in subscriptions}}
        # What the customer buys for another price is no business of ours, and is never cancelled from here.
        ours = [one for one in subscriptions if plans[one.price_id] is not None]
        now = self._clock()
        kept = current(ours or subscriptions, now, self._grace)
        after = _without_subscription(seen) if kept is None else self._truth(seen, kept, plans[kept.price_id])
        if not after.says_the_same(seen):
            after = replace(after, version=seen.version + 1)
        extra = tuple(one.id for one in surplus(ours, kept, now, self._grace))
        return Drift(seen.subject, seen, after, extra, untold=seen.told < seen.version)

    def _truth(self, seen: BillingRecord, kept: Subscription, plan: str | None) -> BillingRecord:
        facts = {"subject": seen.subject, "subscription": kept.id, "status": kept.status, "price": kept.price_id}
        if not kept.known_status:
            logger.warning("unknown subscription status", extra={"facts": facts})
        if plan is None and kept.live:
            logger.warning("subscription of a price that is no plan", extra={"facts": facts})
        pays = plan is not None and kept.pays(self._clock(), self._grace)
        return replace(
            seen,
            plan=plan if pays else None,
            paid_until=kept.paid_until(self._grace) if pays else None,
            subscription_id=kept.id,
            status=kept.status,
            price_id=kept.price_id,
            period_end=kept.period_end,
            cancel_at=kept.cancel_at,
            amount=kept.amount,
            currency=kept.currency,
            interval=kept.interval,
        )

    async def _stored(self, seen: BillingRecord, after: BillingRecord) -> bool:
        """False when another look was faster: look again."""
        if after.version == seen.version:
            return await self._records.found_true(seen)
        return await self._records.replace(seen, after)

    async def _cancel(self, account: StripeAccount, subject: str, subscription_ids: tuple[str, ...]) -> None:
        for subscription_id in subscription_ids:
            await account.cancel(subscription_id)
            facts = {"subject": subject, "subscription": subscription_id}
            logger.warning("second subscription cancelled", extra={"facts": facts})


def _without_subscription(seen: BillingRecord) -> BillingRecord:
    return BillingRecord(seen.subject, seen.account, seen.customer_id, seen.version, seen.told, seen.looks)

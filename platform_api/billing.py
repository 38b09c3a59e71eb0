"""Developers paying the operator: to the checkout, or to the portal when they pay already.

Called by routes/billing.py. Neither is metered, nor blocked by a used-up month: paying is the way out of it. What a
payment leads to is stripe_events.py's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.adapters.stripe_gateway import Checkout, CustomerGone, StripeAccount
from shared.adapters.system import Clock
from shared.billing.records import OWN_ACCOUNT, BillingRecord, BillingRecords
from shared.domain.errors import Conflict, Unavailable
from shared.domain.principal import Developer
from shared.domain.subscriptions import Subscription

ATTEMPT_SECONDS = 1800  # a checkout asked for again within this is the same checkout


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the developer; `portal` when they pay already."""

    url: str
    portal: bool


class Billing:
    """The operator's own subscriptions. The first of `prices` is sold; `pages_url` is where Stripe returns to."""

    def __init__(
        self, account: StripeAccount, records: BillingRecords, prices: Sequence[str], pages_url: str, clock: Clock
    ) -> None:
        self._account = account
        self._records = records
        self._prices = prices
        self._pages_url = pages_url
        self._clock = clock

    async def checkout(self, developer: Developer) -> Started:
        """A checkout of the paid plan; the portal for somebody whose subscription is running."""
        record = await self._records.find(developer.user_id) or await self._with_customer(developer.user_id)
        every = await self._account.subscriptions(record.customer_id)
        subscriptions = [one for one in every if one.price_id in self._prices]  # other things may be bought here too
        if any(one.live and one.status != "incomplete" for one in subscriptions):
            return Started(await self._portal(record), portal=True)
        try:
            return Started(await self._checkout(record, subscriptions), portal=False)
        except CustomerGone:
            return Started(await self._checkout(await self._with_new_customer(record), []), portal=False)

    async def portal(self, developer: Developer) -> str:
        """The developer's own portal. Raises Conflict before there is anything to manage."""
        record = await self._records.find(developer.user_id)
        try:
            if record is not None:
                return await self._portal(record)
        except CustomerGone:
            pass  # as good as none
        raise Conflict("There is no subscription to manage yet; upgrade first.", reason="no_customer")

    async def _portal(self, record: BillingRecord) -> str:
        return await self._account.portal(record.customer_id, self._pages_url + "/dashboard#billing")

    async def _checkout(self, record: BillingRecord, past: list[Subscription]) -> str:
        wanted = Checkout(
            customer_id=record.customer_id,
            price_id=self._prices[0],
            client_reference_id=record.subject,
            metadata={"userId": record.subject},
            success_url=self._pages_url + "/dashboard?checkout=done#billing",
            cancel_url=self._pages_url + "/dashboard?checkout=cancelled#billing",
        )
        window = int(self._clock().timestamp()) // ATTEMPT_SECONDS
        # Past subscriptions are part of the key: who has cancelled and comes back needs a checkout of their own.
        key = f"checkout:{record.customer_id}:{self._prices[0]}:{len(past)}:{window}"
        return await self._account.checkout(wanted, key=key)

    async def _with_customer(self, user_id: str) -> BillingRecord:
        """The record with the one customer this developer has; two requests at once agree on it."""
        customer_id = await self._new_customer(user_id, f"customer:{user_id}")
        return await self._records.create(BillingRecord(user_id, OWN_ACCOUNT, customer_id))

    async def _with_new_customer(self, record: BillingRecord) -> BillingRecord:
        customer_id = await self._new_customer(record.subject, f"customer:{record.subject}:{record.version}")
        renewed = replace(record, customer_id=customer_id, version=record.version + 1)
        if not await self._records.replace(record, renewed):
            raise Unavailable("Your billing changes just now; try again.", retry_after_seconds=1)
        return renewed

    async def _new_customer(self, user_id: str, key: str) -> str:
        # No e-mail: it may change between two tries of one key, and the checkout asks for it anyway.
        return await self._account.create_customer(email=None, metadata={"userId": user_id}, key=key)

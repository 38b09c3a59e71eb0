"""End-users paying their platform: to the checkout of a tier, or to the portal when they pay already.

Called by routes/billing.py. Everything happens on the platform's connected account; the operator may keep a share.
Neither is metered: paying is the way out of a used-up month. What a payment leads to is stripe_events.py's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from shared.adapters.stripe_gateway import Checkout, CustomerGone, StripeAccount
from shared.adapters.system import Clock
from shared.billing.records import BillingRecord
from shared.domain.errors import BadRequest, Conflict
from shared.domain.principal import EndUser
from shared.domain.subscriptions import Subscription
from shared.domain.tiers import Tier
from tenant_api.accounts import Accounts
from tenant_api.customers import Customers
from tenant_api.portals import Portals
from tenant_api.return_urls import allowed
from tenant_api.shelf import Shelf

ATTEMPT_SECONDS = 1800  # a checkout asked for again within this is the same checkout
MAX_EMAIL_CHARACTERS = 254
MAX_REFERENCE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What an end-user asks for."""

    tier: str
    email: str | None = None
    success_url: str | None = None
    cancel_url: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the end-user; `portal` when they pay already."""

    url: str
    portal: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator has set: where the hosted pages are, and the share of what is paid."""

    pages_url: str
    fee_percent: float | None


class Billing:
    """Checkouts and portals of end-users."""

    def __init__(
        self, accounts: Accounts, customers: Customers, shelf: Shelf, portals: Portals, terms: Terms, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._customers = customers
        self._shelf = shelf
        self._portals = portals
        self._terms = terms
        self._clock = clock

    async def checkout(self, end_user: EndUser, wish: Wish) -> Started:
        """A checkout of the tier; the portal for somebody whose subscription is running."""
        _check_email(end_user, wish.email)
        page, platform_id = self._page(end_user), end_user.platform_id
        welcome = f"{self._terms.pages_url}/welcome/{platform_id}?{urlencode({'tier': wish.tier})}"
        origins = await self._shelf.origins(end_user.platform_id)
        success_url = allowed(wish.success_url, welcome, origins, "successUrl")
        cancel_url = allowed(wish.cancel_url, f"{page}?checkout=cancelled", origins, "cancelUrl")
        account = await self._accounts.selling(end_user.platform_id)
        tier, price_id = await self._shelf.for_sale(end_user.platform_id, wish.tier, account.account_id)
        record = await self._customers.ensured(end_user, account, wish.email)
        past = await self._bought(end_user, account, record)
        if any(one.live and one.status != "incomplete" for one in past):
            url = await self._portals.open(end_user.platform_id, account, record.customer_id, page)
            return Started(url, portal=True)
        wanted = self._wanted(end_user, tier, price_id, (success_url, cancel_url), first=not past)
        try:
            return Started(await self._session(account, record, wanted, past), portal=False)
        except CustomerGone:
            record = await self._customers.renewed(end_user, record, account, wish.email)
            return Started(await self._session(account, record, wanted, []), portal=False)

    async def portal(self, end_user: EndUser, return_url: str | None) -> str:
        """The end-user's own portal. Raises Conflict before there is anything to manage."""
        origins = await self._shelf.origins(end_user.platform_id)
        back = allowed(return_url, self._page(end_user), origins, "returnUrl")
        account = await self._accounts.selling(end_user.platform_id)
        record = await self._customers.known(end_user, account)
        try:
            if record is not None:
                return await self._portals.open(end_user.platform_id, account, record.customer_id, back)
        except CustomerGone:
            pass  # as good as none
        raise Conflict("There is no subscription to manage yet; choose a tier first.", reason="no_customer")

    def _page(self, end_user: EndUser) -> str:
        return f"{self._terms.pages_url}/p/{end_user.platform_id}"

    async def _bought(self, end_user: EndUser, account: StripeAccount, record: BillingRecord) -> list[Subscription]:
        """The customer's subscriptions to tiers; a developer may sell them other things too."""
        every = await account.subscriptions(record.customer_id)
        return [one for one in every if await self._shelf.is_tier(end_user.platform_id, one.price_id)]

    def _wanted(self, end_user: EndUser, tier: Tier, price_id: str, urls: tuple[str, str], *, first: bool) -> Checkout:
        return Checkout(
            customer_id="",
            price_id=price_id,
            client_reference_id=end_user.user_id[:MAX_REFERENCE_CHARACTERS],  # for the developer's eyes only
            metadata={"platformId": end_user.platform_id, "userId": end_user.user_id, "tier": tier.name},
            success_url=urls[0],
            cancel_url=urls[1],
            trial_days=tier.trial_days if first else 0,  # who comes back has had theirs
            application_fee_percent=self._terms.fee_percent,
        )

    async def _session(
        self, account: StripeAccount, record: BillingRecord, wanted: Checkout, past: Sequence[Subscription]
    ) -> str:
        window = int(self._clock().timestamp()) // ATTEMPT_SECONDS
        # Past subscriptions are part of the key: who has cancelled and comes back needs a checkout of their own. So is
        # all that is asked for: Stripe refuses a key that comes with another return address or trial.
        told = f"{record.subject}:{record.customer_id}:{len(past)}:{window}:{wanted}"
        key = "checkout:" + hashlib.sha256(told.encode()).hexdigest()
        return await account.checkout(replace(wanted, customer_id=record.customer_id), key=key)


def _check_email(end_user: EndUser, email: str | None) -> None:
    if email is None:
        if end_user.by_key:
            raise BadRequest("email is missing: with an API key, say whom the receipt goes to.", field="email")
        return
    local, _, domain = email.rpartition("@")
    if not local or not domain or len(email) > MAX_EMAIL_CHARACTERS or not email.isprintable() or " " in email:
        raise BadRequest("email is no e-mail address.", field="email")

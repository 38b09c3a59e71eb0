"""What an end-user may do: the quota of the tier they are on, among the tiers their platform has published.

Called by usage.py. In key mode the tier that the developer's server names wins; then the stored subscription, both
ways: a payment counts although the token still says free, a cancellation although it still says paid; then a token's
claim; with none of these, the free tier. Who has paid for a tier keeps it while they pay, published or not.
"""

import logging

from shared.adapters.system import Clock
from shared.billing.records import BillingRecord
from shared.domain.errors import NoTier
from shared.domain.principal import EndUser
from shared.domain.quota import Quota
from shared.records.tenant_config import Published
from tenant_api.recent import Recent
from tenant_api.subjects import subject_of

logger = logging.getLogger("dream_api.billing")

FREE_CLAIM = "free"


class Entitlements:
    """Resolves tiers, on tiers and records that are at most a moment old.

    `records` is None where the operator has set up no billing. It is asked only for platforms that sell something.
    """

    def __init__(
        self, publications: Recent[Published], records: Recent[BillingRecord | None] | None, clock: Clock
    ) -> None:
        self._publications = publications
        self._records = records
        self._clock = clock

    async def quota(self, end_user: EndUser) -> Quota:
        """Raises UnknownTier (400) for a tier that is not published and NoTier (403) where no free one is."""
        published = await self._publications.get(end_user.platform_id)
        records = self._asked(end_user, published)
        if records is None:
            return _without_billing(end_user, published)
        try:
            return self._quota(end_user, published, await records.get(subject_of(end_user)))
        except NoTier:
            return self._quota(end_user, published, await records.fresh(subject_of(end_user)))

    def remembered(self, end_user: EndUser) -> Quota | None:
        """The same where nothing has to be looked up; None where it has."""
        published = self._publications.remembered(end_user.platform_id)
        if published is None:
            return None
        records = self._asked(end_user, published[1])
        if records is None:
            return _without_billing(end_user, published[1])
        record = records.remembered(subject_of(end_user))
        return None if record is None else self._quota(end_user, published[1], record[1])

    def may_be_renewed(self, end_user: EndUser) -> bool:
        """Whether a payment could have changed what they may use."""
        published = self._publications.remembered(end_user.platform_id)
        return published is None or self._asked(end_user, published[1]) is not None

    async def renewed(self, end_user: EndUser) -> Quota | None:
        """The quota by a record read after this call; None where no payment can have changed it.

        Asked before a refusal, so that a payment counts on the very next call.
        """
        published = await self._publications.get(end_user.platform_id)
        records = self._asked(end_user, published)
        return None if records is None else self._quota(end_user, published, await records.fresh(subject_of(end_user)))

    def _asked(self, end_user: EndUser, published: Published) -> Recent[BillingRecord | None] | None:
        told = end_user.by_key and end_user.plan is not None
        return self._records if published.catalog.sells and not told else None

    def _quota(self, end_user: EndUser, published: Published, record: BillingRecord | None) -> Quota:
        if record is None or record.subscription_id is None:
            return _without_billing(end_user, published)
        plan = record.plan_at(self._clock())
        if plan is None:
            return published.config.named(None).quota
        bought = published.bought(plan)
        if bought is None:
            logger.warning("paid tier is unknown", extra={"facts": {"subject": record.subject, "plan": plan}})
            return published.config.named(None).quota
        return bought


def _without_billing(end_user: EndUser, published: Published) -> Quota:
    """By the header or the claim. A claim of `free` means the free tier, whatever the platform calls it."""
    plan = end_user.plan
    if plan == FREE_CLAIM and not end_user.by_key and published.bought(FREE_CLAIM) is None:
        plan = None
    return published.config.named(plan).quota

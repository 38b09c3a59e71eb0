"""What Clerk is told of a developer's plan: `plan`, `subscribed` and `subscriptionId` in publicMetadata, nothing else.

Called by shared.billing.sync after the record has changed, and by reconcile. Clerk is a mirror: the record decides.
"""

import logging
from typing import Any

from shared.adapters.clerk import ClerkUsers
from shared.billing.records import BillingRecord
from shared.domain.errors import NotFound

logger = logging.getLogger("dream_api.billing")


class Membership:
    """Developers' public metadata."""

    def __init__(self, users: ClerkUsers) -> None:
        self._users = users

    async def tell(self, record: BillingRecord) -> None:
        """Merge the plan in. A developer whom Clerk no longer knows needs no telling."""
        try:
            await self._users.merge_public_metadata(record.subject, _metadata(record))
        except NotFound:
            facts = {"userId": record.subject, "plan": record.plan, "subscription": record.subscription_id}
            logger.warning("billing of a developer whom Clerk does not know", extra={"facts": facts})

    async def differs(self, record: BillingRecord) -> bool:
        """Whether Clerk says something else than the record."""
        try:
            user = await self._users.user(record.subject)
        except NotFound:
            return False
        known = user.get("public_metadata") or {}
        return any(known.get(name) != value for name, value in _metadata(record).items())


def _metadata(record: BillingRecord) -> dict[str, Any]:
    paid = record.plan is not None
    return {
        "plan": record.plan if paid else "free",
        "subscribed": paid,
        "subscriptionId": record.subscription_id if paid else None,
    }

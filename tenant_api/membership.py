"""What Clerk is told of an end-user's tier: `plan` and `subscriptionId` in publicMetadata, nothing else.

Called by shared.billing.sync after the record has changed, and by reconcile. All platforms share one Clerk app, and a
platform's server may name any user id: a user is touched only where Clerk itself says they belong to the platform.
"""

import re
from collections.abc import Mapping
from typing import Any

from shared.adapters.clerk import ClerkUsers
from shared.billing.records import BillingRecord
from shared.domain.errors import NotFound
from tenant_api import subjects

_CLERK_USER = re.compile(r"user_[A-Za-z0-9]{1,100}")


class Membership:
    """End-users' public metadata."""

    def __init__(self, users: ClerkUsers) -> None:
        self._users = users

    async def tell(self, record: BillingRecord) -> None:
        """Merge the tier in, where the end-user is one of Clerk's and of this platform."""
        if await self._known(record) is None:
            return
        try:
            await self._users.merge_public_metadata(subjects.parts(record.subject)[1], _metadata(record))
        except NotFound:
            return

    async def differs(self, record: BillingRecord) -> bool:
        """Whether Clerk says something else than the record."""
        known = await self._known(record)
        return known is not None and any(known.get(name) != value for name, value in _metadata(record).items())

    async def _known(self, record: BillingRecord) -> Mapping[str, Any] | None:
        """The public metadata of a user of this platform; None for everybody else."""
        platform_id, user_id = subjects.parts(record.subject)
        if _CLERK_USER.fullmatch(user_id) is None:
            return None
        try:
            user = await self._users.user(user_id)
        except NotFound:
            return None
        metadata: Mapping[str, Any] = user.get("public_metadata") or {}
        return metadata if metadata.get("platformId") == platform_id else None


def _metadata(record: BillingRecord) -> dict[str, Any]:
    paid = record.plan is not None
    return {"plan": record.plan if paid else "free", "subscriptionId": record.subscription_id if paid else None}

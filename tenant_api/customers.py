"""The one Stripe customer that an end-user has on their platform's account. Called by billing.py."""

import hashlib
from dataclasses import replace

from shared.adapters.stripe_gateway import StripeAccount
from shared.billing.records import BillingRecord, BillingRecords
from shared.domain.errors import Unavailable
from shared.domain.principal import EndUser
from tenant_api.subjects import subject_of


class Customers:
    """Finds or makes them; two requests at once agree on one."""

    def __init__(self, records: BillingRecords) -> None:
        self._records = records

    async def known(self, end_user: EndUser, account: StripeAccount) -> BillingRecord | None:
        """The end-user's record, if they are a customer on this account."""
        record = await self._records.find(subject_of(end_user))
        return record if record is not None and record.account == account.account_id else None

    async def ensured(self, end_user: EndUser, account: StripeAccount, email: str | None) -> BillingRecord:
        """The end-user's record, with a customer on this account: also after the platform has changed accounts."""
        subject = subject_of(end_user)
        record = await self._records.find(subject)
        if record is None:
            customer_id = await self._made(end_user, account, email, 0)
            record = await self._records.create(BillingRecord(subject, str(account.account_id), customer_id))
        if record.account != account.account_id:
            record = await self.renewed(end_user, record, account, email)
        return record

    async def renewed(
        self, end_user: EndUser, record: BillingRecord, account: StripeAccount, email: str | None
    ) -> BillingRecord:
        """The record with a new customer, in place of one that is gone or on a former account."""
        customer_id = await self._made(end_user, account, email, record.version)
        account_id = str(account.account_id)
        renewed = replace(record, account=account_id, customer_id=customer_id, version=record.version + 1)
        if not await self._records.replace(record, renewed):
            raise Unavailable("Your billing changes just now; try again.", retry_after_seconds=1)
        return renewed

    @staticmethod
    async def _made(end_user: EndUser, account: StripeAccount, email: str | None, version: int) -> str:
        # An id may be longer than a key may be, and one key must always come with the same e-mail.
        told = f"{subject_of(end_user)}\n{email or ''}\n{version}"
        key = "customer:" + hashlib.sha256(told.encode()).hexdigest()
        metadata = {"platformId": end_user.platform_id, "userId": end_user.user_id}
        return await account.create_customer(email=email, metadata=metadata, key=key)

"""Compares what Stripe, our records and Clerk say of every subject, and heals what differs: what webhooks missed.

Called by `python -m … reconcile` and in the background by each service with billing. Safe beside live traffic: it
repairs through shared.billing.sync, as the webhooks do.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from shared.adapters.stripe_gateway import StripeAccount
from shared.billing.records import SHARDS, BillingRecord, BillingRecords
from shared.billing.sync import BillingSync, Drift, Tell
from shared.domain.errors import Unavailable

logger = logging.getLogger("dream_api.billing")

PAGE = 50

Differs = Callable[[BillingRecord], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One subject that was not as it should be."""

    subject: str
    before: str
    after: str
    cancelled: tuple[str, ...]
    clerk_differed: bool

    def __str__(self) -> str:
        parts = [f"{self.before} -> {self.after}"] if self.before != self.after else []
        parts += [f"second subscription {one} cancelled" for one in self.cancelled]
        parts += ["Clerk's metadata differed"] if self.clerk_differed else []
        return f"{self.subject}: {'; '.join(parts) or 'record renewed'}"


class Reconcile:
    """`differs` says whether a subject's Clerk metadata is not what the record says; `tell` writes it."""

    def __init__(
        self,
        records: BillingRecords,
        sync: BillingSync,
        account_of: Callable[[BillingRecord], StripeAccount],
        differs: Differs,
        tell: Tell,
    ) -> None:
        self._records = records
        self._sync = sync
        self._account_of = account_of
        self._differs = differs
        self._tell = tell

    async def everything(self, *, dry: bool = False) -> AsyncIterator[Finding]:
        """Walk all subjects, one after another; what is found is healed (unless dry), logged and answered."""
        for shard in range(SHARDS):
            after: str | None = None
            while page := await self._records.listed(shard, after, PAGE):
                after = page[-1]
                for subject in page:
                    finding = await self.one(subject, dry=dry)
                    if finding is not None:
                        yield finding

    async def one(self, subject: str, *, dry: bool = False) -> Finding | None:
        """One subject; None when all three agree, or nothing is known of it."""
        record = await self._records.find(subject)
        if record is None:
            return None
        drift = await self._sync.run(subject, self._account_of(record), dry=dry)
        if drift is None:
            return None
        # Where the record was wrong, Clerk was told the wrong thing too, and has been told anew with it.
        clerk_differed = not drift.found and await self._differs(drift.after)
        if clerk_differed and not dry:
            await self._tell(drift.after)
        if not (drift.found or clerk_differed):
            return None
        finding = _finding(drift, clerk_differed=clerk_differed)
        logger.warning("drift", extra={"facts": {"subject": subject, "found": str(finding), "healed": not dry}})
        return finding

    async def forever(self, every_seconds: float) -> None:
        """Reconcile again and again, until cancelled; what fails is told and tried again the next time."""
        while True:
            await asyncio.sleep(every_seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads processes only
            try:
                async for _ in self.everything():
                    pass
            except Unavailable as error:
                logger.warning("reconcile waits", extra={"facts": {"why": error.message}})
            except Exception:
                logger.exception("reconcile failed")


def _finding(drift: Drift, *, clerk_differed: bool) -> Finding:
    return Finding(drift.subject, _told(drift.before), _told(drift.after), drift.cancelled, clerk_differed)


def _told(record: BillingRecord) -> str:
    return f"{record.plan or 'nothing'} ({record.status or 'no subscription'})"

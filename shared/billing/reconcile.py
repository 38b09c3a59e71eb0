"""Compares what Stripe, our records and Clerk say of every subject, and heals what differs: what webhooks missed.

Called by `python -m … reconcile` and in the background by each service with billing. Safe beside live traffic: it
repairs through shared.billing.sync, as the webhooks do.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from shared.adapters.stripe_gateway import NotConnected, StripeAccount
from shared.billing.records import SHARDS, BillingRecord, BillingRecords
from shared.billing.sync import BillingSync, Drift, Tell
from shared.domain.errors import Unavailable

logger = logging.getLogger("dream_api.billing")

PAGE = 50
AT_ONCE = 5  # subjects; beside live traffic, and well below Stripe's 25 requests a second

Differs = Callable[[BillingRecord], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One subject that was not as it should be."""

    subject: str
    before: str
    after: str
    cancelled: tuple[str, ...] = ()
    clerk_differed: bool = False
    missed: str | None = None
    failed: str | None = None

    def __str__(self) -> str:
        if self.failed is not None:
            return f"{self.subject}: could not be compared: {self.failed}"
        parts = [f"{self.before} -> {self.after}"] if self.before != self.after else []
        parts += [f"second subscription {one} cancelled" for one in self.cancelled]
        parts += ["Clerk's metadata differed"] if self.clerk_differed else []
        parts += [self.missed] if self.missed is not None else []
        return f"{self.subject}: {'; '.join(parts) or 'record renewed'}"


Beside = Callable[[bool], AsyncIterator[Finding]]


class Reconcile:
    """`differs` says whether a subject's Clerk metadata is not what the record says; `tell` writes it.

    `beside` is what a service compares after all subjects, dry or not.
    """

    def __init__(
        self,
        records: BillingRecords,
        sync: BillingSync,
        account_of: Callable[[BillingRecord], StripeAccount],
        differs: Differs,
        tell: Tell,
        beside: Beside | None = None,
    ) -> None:
        self._records = records
        self._sync = sync
        self._account_of = account_of
        self._differs = differs
        self._tell = tell
        self._beside = beside

    async def everything(self, *, dry: bool = False) -> AsyncIterator[Finding]:
        """Walk all subjects, a few at once; what is found is healed (unless dry), logged and answered.

        Who can't be compared is a finding too, and stops nobody else's.
        """
        for shard in range(SHARDS):
            after: str | None = None
            while page := await self._records.listed(shard, after, PAGE):
                after = page[-1]
                for start in range(0, len(page), AT_ONCE):
                    some = page[start : start + AT_ONCE]
                    found = await asyncio.gather(*(self._attempted(subject, dry=dry) for subject in some))
                    for finding in found:
                        if finding is not None:
                            yield finding
        if self._beside is not None:
            async for finding in self._beside(dry):
                yield finding

    async def _attempted(self, subject: str, *, dry: bool) -> Finding | None:
        try:
            return await self.one(subject, dry=dry)
        except Unavailable as error:
            logger.warning("could not be reconciled", extra={"facts": {"subject": subject, "why": error.message}})
            return Finding(subject, "", "", failed=error.message)
        except Exception as error:
            logger.exception("could not be reconciled", extra={"facts": {"subject": subject}})
            return Finding(subject, "", "", failed=type(error).__name__)

    async def one(self, subject: str, *, dry: bool = False) -> Finding | None:
        """One subject; None when all three agree, nothing is known of it, or its account has left."""
        record = await self._records.find(subject)
        if record is None:
            return None
        try:
            drift = await self._sync.run(subject, self._account_of(record), dry=dry)
        except NotConnected:
            return None  # what was last known stays, until the account is connected again
        if drift is None:
            return None
        # Where the record was wrong, Clerk was told the wrong thing too, and has been told anew with it.
        clerk_differed = not drift.found and await self._differs(drift.after)
        if clerk_differed and not dry:
            await self._told(drift.after)
        if not (drift.found or clerk_differed):
            return None
        finding = _finding(drift, clerk_differed=clerk_differed)
        logger.warning("drift", extra={"facts": {"subject": subject, "found": str(finding), "healed": not dry}})
        return finding

    async def _told(self, record: BillingRecord) -> None:
        """Tell Clerk; again if the record moved on meanwhile, whose own telling this may have overwritten."""
        while True:
            await self._tell(record)
            now = await self._records.find(record.subject)
            if now is None or now.version == record.version:
                return
            record = now

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

"""Looks through what every connected account has taken in the last weeks, for payments and refunds no event told of.

Part of reconcile (shared.billing.reconcile), which asks for it after all end-users; takings.py counts what is found.
"""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from shared.adapters.stripe_gateway import NotConnected
from shared.adapters.system import Clock
from shared.billing.reconcile import Finding
from shared.billing.records import SHARDS, BillingRecords
from shared.domain.errors import Unavailable
from tenant_api import subjects
from tenant_api.repositories.connections import Connections
from tenant_api.takings import Takings

logger = logging.getLogger("dream_api.billing")

EVERY = timedelta(hours=20)  # an account; events are lost rarely, and a look lists all invoices


class Sweep:
    """Of all platforms that have ever sold, or of one; `live` is the mode of the operator's key."""

    def __init__(
        self, takings: Takings, records: BillingRecords, connections: Connections, clock: Clock, *, live: bool
    ) -> None:
        self._takings = takings
        self._records = records
        self._connections = connections
        self._clock = clock
        self._live = live
        self._swept: dict[str, datetime] = {}

    async def everything(self, dry: bool) -> AsyncIterator[Finding]:
        """Every platform, unless it was looked through in the last hours. Who can't be asked is a finding."""
        async for platform_id in self._platforms():
            swept = self._swept.get(platform_id)
            if swept is not None and self._clock() - swept < EVERY:
                continue
            async for finding in self.platform(platform_id, dry=dry):
                yield finding

    async def platform(self, platform_id: str, *, dry: bool) -> AsyncIterator[Finding]:
        connection = await self._connections.of_platform(platform_id)
        if connection is None or not connection.connected or connection.livemode != self._live:
            return
        try:
            async for finding in self._takings.missed(platform_id, connection.account_id, dry=dry):
                facts = {"subject": finding.subject, "found": str(finding), "healed": not dry}
                logger.warning("drift", extra={"facts": facts})
                yield finding
        except NotConnected:
            return
        except Unavailable as error:
            logger.warning("could not be reconciled", extra={"facts": {"subject": platform_id, "why": error.message}})
            yield Finding(platform_id, "", "", failed=error.message)
            return
        if not dry:
            self._swept[platform_id] = self._clock()

    async def _platforms(self) -> AsyncIterator[str]:
        """Each that has a customer, once: of the listing only where the next platform begins is read."""
        seen: set[str] = set()
        for shard in range(SHARDS):
            after: str | None = None
            while found := await self._records.listed(shard, after, 1):
                platform_id = subjects.parts(found[0])[0]
                after = subjects.subject(platform_id, "\U0010ffff")
                if platform_id not in seen:
                    seen.add(platform_id)
                    yield platform_id

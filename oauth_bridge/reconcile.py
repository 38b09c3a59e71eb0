"""Brings platforms on the tenant side to the state their credential has on the platform side, as it is right now.

Called by outbox.py (what changed) and comparison.py (everything). Nothing is carried over from an outbox entry itself:
the current truth is read, so an entry seen twice, late or in the wrong order does no harm.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from oauth_bridge.plan import plan
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_credentials import TenantCredentials
from shared.adapters.system import Clock
from shared.domain.errors import Unavailable

logger = logging.getLogger("dream_api.sync")

ATTEMPTS = 8
PAUSE_SECONDS = 0.02


class Outcome(StrEnum):
    """What became of one platform."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    AHEAD = "ahead"  # the tenant side holds a newer version than the truth: somebody restored an old table
    UNKNOWN = "unknown"  # no such credential on the platform side
    PENDING = "pending"  # not settled; to be looked at again
    FAILED = "failed"  # our own fault, told in the log; the next comparison tries again


@dataclass(slots=True)
class Settled:
    """The outcomes of several platforms; `trouble` is set when the store did not answer for some of them."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    trouble: Unavailable | None = None

    def with_outcome(self, outcome: Outcome) -> list[str]:
        return [one for one, found in self.outcomes.items() if found is outcome]

    def counts(self) -> dict[str, int]:
        return dict(Counter(str(outcome) for outcome in self.outcomes.values()))


class Reconciler:
    """Reads both sides, plans, and writes unless somebody was faster."""

    def __init__(self, platform: PlatformCredentials, tenant: TenantCredentials, clock: Clock) -> None:
        self._platform = platform
        self._tenant = tenant
        self._clock = clock

    async def several(self, wanted: Mapping[str, int]) -> Settled:
        """Settle platforms side by side; `wanted` has the version each is known to have reached at least.

        A platform that fails keeps none of the others from being settled.
        """
        results = await asyncio.gather(
            *(self.one(platform_id, version) for platform_id, version in wanted.items()), return_exceptions=True
        )
        settled = Settled()
        for platform_id, result in zip(wanted, results, strict=True):
            if isinstance(result, Outcome):
                settled.outcomes[platform_id] = result
            elif isinstance(result, Unavailable):
                settled.trouble = result
            elif isinstance(result, Exception):
                settled.outcomes[platform_id] = Outcome.FAILED
                logger.error("sync failed", exc_info=result, extra={"facts": {"platformId": platform_id}})
            else:
                raise result
        return settled

    async def one(self, platform_id: str, at_least: int = 0) -> Outcome:
        """Settle one platform. A lost race is planned again on what then stands there."""
        for attempt in range(ATTEMPTS):
            truth, held = await asyncio.gather(self._platform.credential(platform_id), self._tenant.held(platform_id))
            if truth is None:
                return Outcome.UNKNOWN
            if truth.version < at_least:
                return Outcome.PENDING  # the entry became visible before the change itself did
            planned = plan(truth, held, int(self._clock().timestamp()))
            if planned is None:
                return Outcome.AHEAD if held is not None and held.version > truth.version else Outcome.UNCHANGED
            if await self._tenant.apply(planned):
                return Outcome.WRITTEN
            spread = random.uniform(0.5, 1)  # noqa: S311 - spreads the workers that collided, guards nothing
            await asyncio.sleep(PAUSE_SECONDS * attempt * spread)
        return Outcome.PENDING

"""The slow full comparison: walks every platform of the registry and heals what the outbox missed.

Called by worker.py every few minutes and at each start. It starts from the platform side, so platforms that only the
tenant side knows (registered there directly) are never looked at.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from oauth_bridge.reconcile import Outcome, Reconciler, Settled
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from shared import outside
from shared.adapters.tracing import Traces
from shared.records.platform_credential import registry_partitions

logger = logging.getLogger("dream_api.sync")

PAGE = 16  # platforms settled at once: few, so that the outbox is not kept waiting
NAMED = 20  # how many of the platforms that differed are named in the log line

T = TypeVar("T")


class Patience(Protocol):
    """Repeats a step until the store has answered it, so that a comparison goes on where it was."""

    async def __call__(self, step: Callable[[], Awaitable[T]], /) -> T: ...


class Comparison:
    """Compares the two sides, platform by platform."""

    def __init__(self, platform: PlatformCredentials, reconciler: Reconciler, traces: Traces | None = None) -> None:
        self._traces = traces
        self._platform = platform
        self._reconciler = reconciler

    async def run(self, patiently: Patience) -> None:
        """Walk the whole registry once, page by page."""
        asked = outside.begin(traced=self._traces is not None)
        outcomes: Counter[str] = Counter()
        drifted: list[str] = []
        for partition in registry_partitions():
            after: str | None = None
            while True:
                page = await patiently(partial(self._page, partition, after))
                settled = await patiently(partial(self._settle, page))
                outcomes.update(settled.counts())
                drifted += settled.with_outcome(Outcome.WRITTEN) + settled.with_outcome(Outcome.AHEAD)
                if len(page) < PAGE:
                    break
                after = page[-1]
        _tell(outcomes, drifted, asked)
        if self._traces is not None:
            self._traces.worker_pass("comparison", asked, {})

    async def _page(self, partition: str, after: str | None) -> list[str]:
        return await self._platform.listed(partition, after, PAGE)

    async def _settle(self, page: Sequence[str]) -> Settled:
        settled = await self._reconciler.several(dict.fromkeys(page, 0))
        if settled.trouble is not None:
            raise settled.trouble
        return settled


def _tell(outcomes: Counter[str], drifted: Sequence[str], asked: outside.Asked) -> None:
    if not drifted and not outcomes[Outcome.FAILED]:
        return
    facts: dict[str, Any] = {"service": "oauth_bridge", **outcomes, "drift": len(drifted), "platforms": drifted[:NAMED]}
    facts |= asked.facts()
    logger.warning("drift", extra={"facts": facts})

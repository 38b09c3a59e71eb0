"""The sync worker: follows the outbox and compares everything now and then, until it is cancelled.

Runs inside the service's lifespan (app.py) or alone (`python -m oauth_bridge worker`); several may run at once. Being
killed anywhere is safe: progress is stored only after the work, and the work may be repeated.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from oauth_bridge.comparison import Comparison
from oauth_bridge.outbox import Outbox
from shared.domain.errors import Unavailable

logger = logging.getLogger("dream_api.sync")

LONGEST_PAUSE_SECONDS = 2.0

T = TypeVar("T")


class SyncWorker:
    """Two loops side by side, so that a long comparison never keeps a revoked key working."""

    def __init__(
        self, outbox: Outbox, comparison: Comparison, *, poll_seconds: float, comparison_seconds: float
    ) -> None:
        self._outbox = outbox
        self._comparison = comparison
        self._poll_seconds = poll_seconds
        self._comparison_seconds = comparison_seconds

    async def run(self) -> None:
        """Work until cancelled; the store being down is waited out."""
        await _Persistent("start", self._poll_seconds)(self._outbox.begin)
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._follow())
            loops.create_task(self._compare())

    async def _follow(self) -> None:
        persistent = _Persistent("outbox", self._poll_seconds)
        while True:
            await persistent(self._outbox.poll)
            await asyncio.sleep(self._poll_seconds)

    async def _compare(self) -> None:
        persistent = _Persistent("comparison", self._poll_seconds)
        while True:
            await self._comparison.run(persistent)
            self._outbox.compared()
            await asyncio.sleep(self._comparison_seconds)


class _Persistent:
    """Repeats a step until it is done, with growing pauses; tells once that the store is gone, once that it is back."""

    def __init__(self, loop: str, first_pause_seconds: float) -> None:
        self._facts = {"service": "oauth_bridge", "loop": loop}
        self._first_pause_seconds = first_pause_seconds
        self._down = False

    async def __call__(self, step: Callable[[], Awaitable[T]], /) -> T:
        pause = self._first_pause_seconds
        while True:
            try:
                result = await step()
            except Unavailable:
                self._told(down=True)
            except Exception:
                # Whatever it is, a worker that ends silently would let revoked keys live on.
                logger.exception("sync failed", extra={"facts": self._facts})
            else:
                self._told(down=False)
                return result
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _told(self, *, down: bool) -> None:
        if down and not self._down:
            logger.warning("sync waits: the store does not answer", extra={"facts": self._facts})
        elif self._down and not down:
            logger.info("sync goes on: the store answers again", extra={"facts": self._facts})
        self._down = down

"""Callers' patience: whoever waits longer than the deadline is told so. One timer for all, as all wait equally long.

Kept by shared.metering.counter. A timer for each call would cost as much as deciding it.
"""

import asyncio
from collections import deque

from shared.domain.errors import Unavailable
from shared.metering.calls import Call

LOOKS_A_SECOND = 10


class Deadlines:
    """Calls that wait, the oldest first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[tuple[float, Call]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, call: Call, loop: asyncio.AbstractEventLoop) -> None:
        waiting = self._waiting
        while waiting and not waiting[0][1].waits:  # let go at once: their memory, still in the cache, is used again
            waiting.popleft()
        waiting.append((loop.time() + self._seconds, call))
        if self._timer is None:
            self._timer = loop.call_later(1 / LOOKS_A_SECOND, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._waiting and (self._waiting[0][0] <= now or not self._waiting[0][1].waits):
            _, call = self._waiting.popleft()
            if call.waits:
                call.fail(
                    Unavailable("The store did not answer in time; send the same request again.", retry_after_seconds=2)
                )
        self._timer = loop.call_later(1 / LOOKS_A_SECOND, self._look, loop) if self._waiting else None

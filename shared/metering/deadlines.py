"""Callers' patience: whoever waits longer than the deadline is told so. One timer for all, as all wait equally long.

Kept by shared.metering.counter. A timer for each call would cost as much as deciding it.
"""

import asyncio
from collections import deque
from typing import Any

from shared.domain.errors import Unavailable

LOOKS_A_SECOND = 10


class Deadlines:
    """Answers that are waited for, the oldest first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, answer: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.append((loop.time() + self._seconds, answer))
        if self._timer is None:
            self._timer = loop.call_later(1 / LOOKS_A_SECOND, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][1].done()):
            _, answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(
                    Unavailable("The store did not answer in time; send the same request again.", retry_after_seconds=2)
                )
        self._timer = loop.call_later(1 / LOOKS_A_SECOND, self._look, loop) if self._waiting else None

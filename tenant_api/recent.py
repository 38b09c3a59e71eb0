"""Look-ups remembered for a moment: keys and tier configs are read once a moment, not once a call.

Built in deps.py around a repository's look-up. An answer is at most `max_age_seconds` old, counted from when its
look-up began: that bounds how long a revoked key can still work.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

V = TypeVar("V")

MOST = 10_000


class Recent(Generic[V]):
    """A bounded memory of look-ups. Callers that ask for the same key meanwhile share one look-up."""

    def __init__(
        self,
        look_up: Callable[[str], Awaitable[V]],
        max_age_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        most: int = MOST,
    ) -> None:
        self._look_up = look_up
        self._max_age_seconds = max_age_seconds
        self._monotonic = monotonic
        self._most = most
        self._known: dict[str, tuple[float, V]] = {}  # what was answered, and until when that holds
        self._found: OrderedDict[str, tuple[float, asyncio.Future[V]]] = OrderedDict()
        self._next: dict[str, asyncio.Future[V]] = {}

    async def get(self, key: str) -> V:
        """What the look-up answers, or answered a moment ago. A failed look-up is not remembered."""
        known = self.remembered(key)
        if known is not None:
            return known[1]
        began, answer = self._found.get(key, (0.0, None))
        if answer is None or self._monotonic() - began >= self._max_age_seconds or _failed(answer):
            answer = self._begin(key)
        # Shielded: a caller that gives up must not take the answer away from those who share it.
        return await asyncio.shield(answer)

    def remembered(self, key: str) -> tuple[float, V] | None:
        """What was answered a moment ago, and until when it holds; None where it would have to be looked up."""
        known = self._known.get(key)
        return known if known is not None and self._monotonic() < known[0] else None

    async def fresh(self, key: str) -> V:
        """What a look-up answers that begins after this call; those who wait for the same one share it."""
        answer = self._next.get(key)
        if answer is None:
            answer = self._next[key] = asyncio.ensure_future(self._after_the_running_one(key))
        return await asyncio.shield(answer)

    async def _after_the_running_one(self, key: str) -> V:
        _, running = self._found.get(key, (0.0, None))
        if running is not None and not running.done():
            await asyncio.wait([running])
        del self._next[key]
        return await asyncio.shield(self._begin(key))

    def _begin(self, key: str) -> "asyncio.Future[V]":
        began = self._monotonic()
        answer = asyncio.ensure_future(self._look_up(key))
        answer.add_done_callback(partial(self._learn, key, began))
        self._known.pop(key, None)
        self._found[key] = (began, answer)
        self._found.move_to_end(key)
        if len(self._found) > self._most:
            forgotten, _ = self._found.popitem(last=False)
            self._known.pop(forgotten, None)
        return answer

    def _learn(self, key: str, began: float, answer: "asyncio.Future[V]") -> None:
        _, newest = self._found.get(key, (0.0, None))
        if answer is newest and not _failed(answer):
            self._known[key] = (began + self._max_age_seconds, answer.result())


def _failed(answer: "asyncio.Future[V]") -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)

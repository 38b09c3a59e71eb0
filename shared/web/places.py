"""How many requests a process works on at once. The guard counts them; the protocol looks here before it begins one.

The two meet in the state that the server keeps for an app, under `PLACES`: a request that finds no place is answered
by the protocol in a few bytes, without a task, a log line or a response object, because under overload the refusals
are most of what there is to do. What was turned away is told in one line a second.
"""

import logging
import time
from collections.abc import Callable

PLACES = "places"
ALWAYS_ANSWERED = "/health"  # a busy process is no dead one
TOLD_EVERY_SECONDS = 1.0

logger = logging.getLogger("dream_api")


class Places:
    """`taken` of `most`."""

    def __init__(self, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._told_at = 0.0
        self._turned_away = 0
        self.taken = 0

    @property
    def full(self) -> bool:
        return self.taken >= self._most

    def turn_away(self) -> None:
        """Count one more, and tell how many there were, once a second."""
        self._turned_away += 1
        now = self._monotonic()
        if now - self._told_at >= TOLD_EVERY_SECONDS:
            facts = {"turnedAway": self._turned_away, "inFlight": self.taken}
            logger.warning("overloaded", extra={"facts": facts})
            self._told_at, self._turned_away = now, 0

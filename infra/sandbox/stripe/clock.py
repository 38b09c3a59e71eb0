"""The sandbox's clock: real time plus an offset that only grows. The API, the pages and the lifecycle read it."""

import time

from infra.sandbox.stripe.store import Store

OFFSET = "clock_offset"


class Clock:
    """Its offset survives a restart, so a month that was advanced stays advanced."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> int:
        return int(time.time()) + self.offset()

    def offset(self) -> int:
        return int(self._store.setting(OFFSET, 0))

    def move(self, seconds: int) -> None:
        self._store.set(OFFSET, self.offset() + seconds)

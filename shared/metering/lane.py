"""One subject's lane: while a write is under way, further calls wait and share the next one.

shared.metering.counter keeps the lanes; each batch is settled by shared.metering.settlement.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime

from shared.domain.quota import Decision, Quota, decide
from shared.metering.calls import Call
from shared.metering.ledger import Ledger, Stamp, Stored
from shared.metering.settlement import Settlement

MAX_BATCH = 2_000
MAX_MARKED = 40  # a transaction holds 100 writes; fewer keep it quick


class Lane:
    """The calls of one subject, in arrival order."""

    def __init__(self, subject: str, ledger: Ledger, clock: Callable[[], datetime], stamps: Iterator[Stamp]) -> None:
        self._subject = subject
        self._ledger = ledger
        self._clock = clock
        self._stamps = stamps
        self._waiting: deque[Call] = deque()
        self._seen: Stored | None = None
        self.running: asyncio.Task[None] | None = None

    def refused_from_memory(self, quota: Quota, units: int) -> Decision | None:
        """A refusal that needs no store: within a period a count never falls, so what was seen is enough."""
        if self._seen is None or self._seen.usage is None:
            return None
        decision = decide(self._seen.usage, self._clock(), quota, units)
        return None if decision.admitted else decision

    def submit(self, call: Call) -> None:
        self._waiting.append(call)
        if self.running is None:
            self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while batch := self._take():
                await self._settle(batch)
        finally:
            self.running = None

    async def _settle(self, batch: list[Call]) -> None:
        settlement = Settlement(self._subject, self._ledger, self._clock, self._stamps, self._seen)
        try:
            await settlement.run(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told and the lane goes on
            settlement.seen = None
            for call in batch:
                call.fail(error)
        self._seen = settlement.seen

    def _take(self) -> list[Call]:
        """The next batch in arrival order. A key that is in it already, and what does not fit, wait for the next."""
        batch: list[Call] = []
        left: deque[Call] = deque()
        keys: set[str] = set()
        for call in self._waiting:
            if not call.waits:
                continue
            key = call.idempotency.key_hash if call.idempotency else None
            if len(batch) >= MAX_BATCH or (key is not None and (key in keys or len(keys) >= MAX_MARKED)):
                left.append(call)
                continue
            if key is not None:
                keys.add(key)
            batch.append(call)
        self._waiting = left
        return batch

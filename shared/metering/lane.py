"""One subject's lane: while a write is under way, further calls wait and share the next one.

shared.metering.counter keeps the lanes; each batch is settled by shared.metering.settlement. Where all callers gave up
on a write of unknown outcome, the lane looks a while later whether it happened.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

from shared import outside
from shared.domain.errors import Unavailable
from shared.domain.quota import UNLIMITED, Decision, Quota, Usage, decide
from shared.metering.attempts import Attempts
from shared.metering.calls import Call
from shared.metering.ledger import Ledger
from shared.metering.observer import Observer
from shared.metering.settlement import Settlement
from shared.metering.stamps import Stamps
from shared.metrics import SHARED_CALLS

MAX_BATCH = 2_000
MAX_MARKED = 40  # a transaction holds 100 writes; fewer keep it quick
LOOK_AFTER_SECONDS = 30.0  # a write that was sent has happened by then, or never will


class Lane:
    """The calls of one subject, in arrival order."""

    def __init__(
        self, subject: str, ledger: Ledger, clock: Callable[[], datetime], stamps: Stamps, observer: Observer
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._attempts = Attempts(subject, observer)
        self._settlement = Settlement(ledger, clock, stamps, self._attempts)
        self._waiting: deque[Call] = deque()
        self._looking: asyncio.Task[None] | None = None
        self.running: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost with this lane."""
        return self.running is None and not self._attempts.any_unknown

    def refused_from_memory(self, quota: Quota, units: int) -> Decision | None:
        """A refusal that needs no store: within a period a count never falls, so what was seen is enough."""
        seen = self._settlement.seen
        if seen is None or seen.usage is None or _fits(seen.usage, quota, units):
            return None
        decision = decide(seen.usage, self._clock(), quota, units)
        return None if decision.admitted else decision

    def submit(self, call: Call, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.append(call)
        if self.running is None:
            self.running = loop.create_task(self._run())

    async def _run(self) -> None:
        outside.for_many()
        try:
            while batch := self._take():
                SHARED_CALLS.observe(len(batch))
                try:
                    await self._settlement.run(batch)
                except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told and the lane goes on
                    self._settlement.seen = None
                    for call in batch:
                        call.fail(error)
        finally:
            self.running = None
            if self._attempts.any_unknown and self._looking is None:
                self._looking = asyncio.create_task(self._look_later())

    async def close(self) -> None:
        """Let the write under way finish, and learn what became of the others while somebody still can."""
        if self.running is not None:
            await asyncio.gather(self.running, return_exceptions=True)
        if self._looking is not None:
            self._looking.cancel()
        if self._attempts.any_unknown:
            await self._look()
            self._attempts.give_up()

    async def _look_later(self) -> None:
        while waited_for := self._attempts.still_unknown():
            await asyncio.sleep(LOOK_AFTER_SECONDS)
            if await self._look() and self.running is None:
                self._attempts.never(waited_for)
        self._looking = None

    async def _look(self) -> bool:
        """Whether the store told what has happened."""
        try:
            self._attempts.learn(await self._ledger.load(self._attempts.subject))
        except Unavailable:
            return False
        return True

    def _take(self) -> list[Call]:
        """The next batch in arrival order. A key that is in it already, and what does not fit, wait for the next."""
        if len(self._waiting) <= 1:
            only, self._waiting = list(self._waiting), deque()
            return [call for call in only if call.waits]
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


def _fits(usage: Usage, quota: Quota, units: int) -> bool:
    """Whether that many more fit whatever the time is: with it, a count only ever starts at 0 again."""
    month = quota.limit == UNLIMITED or usage.used + units <= quota.limit
    return month and (quota.rate_per_minute == UNLIMITED or usage.calls < quota.rate_per_minute)

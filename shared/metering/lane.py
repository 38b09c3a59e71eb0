"""One subject's lane: while a write is under way, further calls wait and share the next one.

shared.metering.counter keeps the lanes; each batch is settled by shared.metering.settlement. Where all callers gave up
on a write of unknown outcome, the lane looks a while later whether it happened.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared import outside
from shared.adapters.dynamodb import outcome_unknown
from shared.domain.errors import Unavailable
from shared.domain.quota import UNLIMITED, Decision, Quota, decide
from shared.metering.attempts import Attempt, Attempts
from shared.metering.calls import Call
from shared.metering.ledger import Ledger
from shared.metering.observer import Observer
from shared.metering.settlement import Settlement
from shared.metering.stamps import Stamps
from shared.metrics import sharing

MAX_BATCH = 2_000
MAX_MARKED = 40  # a transaction holds 100 writes; fewer keep it quick
LOOK_AFTER_SECONDS = 30.0  # a write that was sent has happened by then, or never will


class Lane:
    """The calls of one subject, in arrival order. There are tens of thousands of lanes: each is kept small."""

    __slots__ = (
        "_attempts",
        "_busy",
        "_clock",
        "_ledger",
        "_long_way",
        "_looking",
        "_rested",
        "_settlement",
        "_under_way",
        "_waiting",
    )

    def __init__(
        self, subject: str, ledger: Ledger, clock: Callable[[], datetime], stamps: Stamps, observer: Observer
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._attempts = Attempts(subject, observer)
        self._settlement = Settlement(ledger, clock, stamps, self._attempts)
        self._waiting: list[Call] = []
        self._busy = False
        self._under_way: Attempt | None = None
        self._long_way: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._rested: asyncio.Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost with this lane."""
        return not self._busy and not self._attempts.unknown

    def refused_from_memory(self, quota: Quota, units: int) -> Decision | None:
        """A refusal that needs no store: within a period a count never falls, so what was seen is enough."""
        seen = self._settlement.seen
        if seen is None or seen.usage is None:
            return None
        usage = seen.usage
        if not (usage.used + units > quota.limit != UNLIMITED or usage.calls >= quota.rate_per_minute != UNLIMITED):
            return None  # whatever the time is: with it, a count only ever starts at 0 again
        decision = decide(usage, self._clock(), quota, units)
        return None if decision.admitted else decision

    def submit(self, call: Call, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.append(call)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._go_on)  # whoever calls at this very moment comes along

    def _go_on(self) -> None:
        """The next batches. Nearly all are one write, told of to `_Sent`; what needs more is a task's."""
        while batch := self._take():
            sharing.observe(len(batch))
            attempt, seen = None, self._settlement.sure
            if seen is not None:
                try:
                    attempt = self._settlement.attempt(batch, seen)
                    if attempt is None:
                        continue
                    if attempt.plain and self._ledger.post(attempt.posting, _Sent(self, attempt)):
                        self._under_way = attempt
                        return
                except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told and the lane goes on
                    self._broken(batch, error)
                    continue
            self._go_the_long_way(batch, attempt)
            return
        self._rest()

    def _rest(self) -> None:
        self._busy = False
        if self._rested is not None:
            self._rested.set_result(None)
            self._rested = None
        if self._attempts.unknown and self._looking is None:
            self._looking = asyncio.create_task(self._look_later())

    def ended(self, attempt: Attempt, item: Mapping[str, Any] | None, error: Exception | None) -> None:
        """The write that went with others has happened, and made this item; or it has ended with an error."""
        if attempt is not self._under_way:
            return  # told twice: the lane is elsewhere
        self._under_way = None
        stored = None if item is None else attempt.posting.answered(item)
        if stored is None:
            self._go_the_long_way(attempt.calls, attempt, error or outcome_unknown())
            return
        try:
            self._settlement.happened(attempt, stored)
        except Exception as broken:  # noqa: BLE001 - as above
            self._broken(attempt.calls, broken)
        self._next()

    def _next(self) -> None:
        """The next batch, once the loop has looked again: who was answered just now, and calls again, comes along."""
        if self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._go_on)
        else:
            self._rest()

    def _go_the_long_way(
        self, batch: Sequence[Call], attempt: Attempt | None = None, error: Exception | None = None
    ) -> None:
        self._long_way = asyncio.create_task(self._settle(batch, attempt, error))

    async def _settle(self, batch: Sequence[Call], attempt: Attempt | None, error: Exception | None) -> None:
        outside.for_many()
        try:
            await self._settlement.run(batch, attempt, error)
        except Exception as broken:  # noqa: BLE001 - as above
            self._broken(batch, broken)
        except BaseException:
            self._rest()
            raise
        self._long_way = None  # or each of tens of thousands of lanes would keep the task of its first call
        self._next()

    def _broken(self, batch: Iterable[Call], error: Exception) -> None:
        self._settlement.seen = None
        for call in batch:
            call.fail(error)

    async def close(self) -> None:
        """Let the write under way finish, and learn what became of the others while somebody still can."""
        while self._busy:
            if self._rested is None:
                self._rested = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._rested)
        if self._looking is not None:
            self._looking.cancel()
        if self._attempts.unknown:
            await self._look()
            self._attempts.give_up()

    async def _look_later(self) -> None:
        while waited_for := list(self._attempts.unknown):
            await asyncio.sleep(LOOK_AFTER_SECONDS)
            if await self._look() and not self._busy:
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
        if not self._waiting:
            return []
        if len(self._waiting) == 1:
            call = self._waiting.pop()
            return [call] if call.waits else []
        batch: list[Call] = []
        left: list[Call] = []
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


class _Sent(Struct, frozen=True):
    """Waits for an attempt that goes with others' writes."""

    lane: Lane
    attempt: Attempt

    def tell(self, item: Mapping[str, Any], /) -> None:
        self.lane.ended(self.attempt, item, None)

    def fail(self, error: Exception, /) -> None:
        self.lane.ended(self.attempt, None, error)

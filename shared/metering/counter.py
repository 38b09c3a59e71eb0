"""The exact counter: decides and counts one call, at any concurrency, over any number of processes.

Both services' usage use cases call it; deps.py builds one a process. A call that is answered as admitted is durably
counted; a limit of N lets exactly N units through. Calls of one subject share writes (shared.metering.lane).
"""

import asyncio
import itertools
from collections import OrderedDict
from time import perf_counter

from shared import outside
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import Chance, Clock
from shared.domain.errors import Unavailable
from shared.domain.quota import Decision, Quota, Standing, Usage
from shared.metering.calls import AwaitedCall, Call, Counted, Idempotency
from shared.metering.deadlines import Deadlines
from shared.metering.lane import Lane
from shared.metering.ledger import Ledger
from shared.metering.observer import Observer, Unobserved
from shared.metering.settlement import replay
from shared.metering.stamps import Stamps, process_name

DEADLINE_SECONDS = 2.5  # what a caller waits at most; a store that is down is a 503 within 3 seconds
MAX_LANES = 50_000
MAX_WAITING = 10_000


class Counter:
    """Counts the calls of many subjects in one table.

    `process` is this writer's name; `observer` is told of every write.
    """

    def __init__(
        self,
        dynamo: Dynamo,
        table: str,
        clock: Clock,
        chance: Chance,
        max_lanes: int = MAX_LANES,
        *,
        process: str | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._ledger = Ledger(dynamo, table)
        self._clock = clock
        self._stamps = Stamps(process or process_name(clock, chance))
        self._observer = observer or Unobserved()
        self._lanes: OrderedDict[str, Lane] = OrderedDict()
        self._max_lanes = max_lanes
        self._deadlines = Deadlines(DEADLINE_SECONDS)
        self._waiting = 0

    async def count(
        self, subject: str, quota: Quota, units: int = 1, idempotency: Idempotency | None = None
    ) -> Counted:
        """Decide one call of `units` and count it when it is admitted.

        Raises Unavailable when the store does not answer in time (an admitted answer is never given then) and
        IdempotencyKeyReused when the key came with another request before.
        """
        call = AwaitedCall(quota, units, idempotency)
        refused = self.begin(subject, call)
        if refused is not None:
            return Counted(refused)
        self._waiting += 1
        began, well = perf_counter(), False
        try:
            counted = await call.answer
            well = True
        finally:
            call.waits = False
            self._waiting -= 1
            outside.waited(outside.STORE, "count", began, well=well)
        if idempotency is not None and not counted.decision.admitted:
            return await self._answered_before(subject, quota, idempotency) or counted
        return counted

    def begin(self, subject: str, call: Call) -> Decision | None:
        """Begin to count one call, which is told how it ended; at once where that is a refusal that needs no store.

        A call with an Idempotency-Key is told what its key was told before only by `count`. Raises Unavailable.
        """
        lane = self._lane(subject)
        if call.idempotency is None:
            refused = lane.refused_from_memory(call.quota, call.units)
            if refused is not None:
                return refused
        if self._waiting >= MAX_WAITING:
            raise Unavailable("Too many calls wait to be counted; try again in a moment.", retry_after_seconds=1)
        loop = asyncio.get_running_loop()
        lane.submit(call, loop)
        self._deadlines.watch(call, loop)
        return None

    async def standing(self, subject: str, quota: Quota) -> Standing:
        """Where the subject stands now, as the store has it; counts nothing. Raises Unavailable."""
        stored = await self._ledger.load(subject)
        now = self._clock()
        return Standing(quota, Usage.none(now) if stored.usage is None else stored.usage.at(now))

    @property
    def lanes(self) -> int:
        """How many subjects are remembered."""
        return len(self._lanes)

    async def close(self) -> None:
        """Let the writes under way finish, so that no accepted call is lost."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values() if not lane.idle))

    async def _answered_before(self, subject: str, quota: Quota, idempotency: Idempotency) -> Counted | None:
        """The stored answer to this key: a retry is told what the first call was told, also at the limit."""
        marker = await self._ledger.marker(subject, idempotency.key_hash, self._clock())
        if marker is None:
            return None
        call = AwaitedCall(quota, 0, idempotency)
        replay(call, marker)
        return await call.answer

    def _lane(self, subject: str) -> Lane:
        lane = self._lanes.get(subject)
        if lane is None:
            lane = self._lanes[subject] = Lane(subject, self._ledger, self._clock, self._stamps, self._observer)
            self._forget_idle()
        else:
            self._lanes.move_to_end(subject)
        return lane

    def _forget_idle(self) -> None:
        """Keep memory bounded: the lanes longest unused go, unless a write of theirs is under way."""
        for subject in list(itertools.islice(self._lanes, max(0, len(self._lanes) - self._max_lanes))):
            if self._lanes[subject].idle:
                del self._lanes[subject]

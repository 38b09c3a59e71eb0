"""One batch of calls on its way into the store, until every call is answered.

Plans on what was last seen, writes, and answers only once the write is known to have happened. A lost race is planned
again on what the store says stands there. Where an answer was lost, the item's own record of this process's last
write tells whether the attempt happened, and the next attempt is conditional on it not having happened: so calls are
neither counted twice nor answered uncounted.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.dynamodb import ConditionFailed, NotApplied, OutcomeUnknown, Reason, TransactionCancelled
from shared.domain.errors import IdempotencyKeyReused, Unavailable
from shared.metering.calls import Call, Counted, tell_all
from shared.metering.ledger import Ledger, Marker, Stamp, Stored, marker_from_item
from shared.metering.plan import Plan, plan

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write that was sent: what was seen before it, what it was to do, and for which calls."""

    seen: Stored
    planned: Plan
    calls: tuple[Call, ...]


class Settlement:
    """Settles one batch of one subject's calls. `stamps` numbers this process's writes."""

    def __init__(
        self, subject: str, ledger: Ledger, clock: Callable[[], datetime], stamps: Iterator[Stamp], seen: Stored | None
    ) -> None:
        self._subject = subject
        self._ledger = ledger
        self._clock = clock
        self._stamps = stamps
        self._unknown: dict[Stamp, Attempt] = {}
        self.seen = seen

    async def run(self, batch: Sequence[Call]) -> None:
        """Answer every call of the batch that somebody still waits for."""
        for pause in _pauses():
            if self.seen is None:
                self.seen = await self._ledger.load(self._subject)
            if self._recognised(self.seen):
                return
            calls = tuple(call for call in batch if call.waits)
            if not calls:
                return
            now = self._clock()
            planned = plan(self.seen.usage, now, [(call.quota, call.units) for call in calls])
            if planned.calls == 0:
                tell_all(calls, planned.decisions)
                return
            if await self._attempt(Attempt(self.seen, planned, calls), now):
                return
            await asyncio.sleep(pause)

    async def _attempt(self, attempt: Attempt, now: datetime) -> bool:
        """Send one write; True when its calls are answered, False when another try is due."""
        stamp = next(self._stamps)
        try:
            stored = await self._send(attempt, stamp, now)
        except ConditionFailed as lost:
            self.seen = Stored.from_item(lost.item)
        except TransactionCancelled as cancelled:
            self._cancelled(attempt, cancelled.reasons)
        except NotApplied:
            pass
        except OutcomeUnknown:
            self._unknown[stamp] = attempt
            self.seen = None
        else:
            self.seen = stored
            tell_all(attempt.calls, attempt.planned.settled(stored.usage or attempt.planned.after))
            return True
        return False

    async def _send(self, attempt: Attempt, stamp: Stamp, now: datetime) -> Stored:
        markers = [
            Marker(call.idempotency.key_hash, call.idempotency.fingerprint, decision)
            for call, decision in zip(attempt.calls, attempt.planned.decisions, strict=True)
            if call.idempotency is not None and decision.admitted
        ]
        if markers:
            return await self._ledger.count_marked(self._subject, attempt.seen, attempt.planned, stamp, now, markers)
        return await self._ledger.count(self._subject, attempt.seen, attempt.planned, stamp, now)

    def _cancelled(self, attempt: Attempt, reasons: Sequence[Reason]) -> None:
        """Learn from a transaction that did not happen: a newer usage, or keys that have their answer already."""
        usage_reason, *marker_reasons = reasons
        if usage_reason.condition_failed:
            self.seen = Stored.from_item(usage_reason.item)
        elif not any(reason.condition_failed for reason in marker_reasons):
            self.seen = None  # collided with another write under way, which will have changed the usage
        marked = [
            call
            for call, decision in zip(attempt.calls, attempt.planned.decisions, strict=True)
            if call.idempotency is not None and decision.admitted
        ]
        for call, reason in zip(marked, marker_reasons, strict=True):
            if reason.condition_failed and reason.item is not None:
                replay(call, marker_from_item(reason.item))

    def _recognised(self, seen: Stored) -> bool:
        """Whether an attempt of unknown outcome is seen to have happened; its calls are answered then.

        Raises Unavailable where the item can't tell any more: the month has turned, or the record was removed.
        """
        for stamp, attempt in self._unknown.items():
            if seen.writers.get(stamp.writer) == stamp.number:
                tell_all(attempt.calls, attempt.planned.decisions)
                return True
            if _trace_lost(seen, attempt, stamp.writer):
                raise Unavailable("It can't be told whether this call was counted.", retry_after_seconds=2)
        return False


def replay(call: Call, marker: Marker) -> None:
    """Answer a call whose key was used before: the same answer, or a refusal when it came with something else."""
    if call.idempotency is not None and call.idempotency.fingerprint == marker.fingerprint:
        call.tell(Counted(marker.decision, replayed=True))
    else:
        call.fail(
            IdempotencyKeyReused("This Idempotency-Key was used with another request; use a new key for a new call.")
        )


def _trace_lost(seen: Stored, attempt: Attempt, writer: str) -> bool:
    if seen.usage is None:
        return False
    if seen.usage.month > attempt.planned.after.month:
        return True
    before = attempt.seen
    same_month = before.usage is not None and before.usage.month == seen.usage.month
    return same_month and writer in before.writers and writer not in seen.writers


def _pauses() -> Iterator[float]:
    """No pause after the first try (a lost race is re-decided at once), then growing ones with jitter."""
    yield 0
    for exponent in itertools.count():
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**exponent)
        yield longest * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing

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
from datetime import date, datetime

from shared.adapters.dynamodb import ConditionFailed, NotApplied, OutcomeUnknown, Reason, TransactionCancelled
from shared.domain.errors import IdempotencyKeyReused, Unavailable
from shared.metering.attempts import Attempt, Attempts
from shared.metering.calls import Call, Counted, tell_all
from shared.metering.ledger import Ledger, Marker, marker_from_item
from shared.metering.plan import Plan, plan
from shared.metering.share import share_of
from shared.metering.stamps import Stamps, counting_day
from shared.metering.usage_item import Posting, Stored

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.25


class Settlement:
    """Settles one batch of one subject's calls. `stamps` numbers this process's writes, `attempts` follows them."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], datetime],
        stamps: Stamps,
        attempts: Attempts,
        seen: Stored | None,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._stamps = stamps
        self._attempts = attempts
        self.seen = seen

    async def run(self, batch: Sequence[Call]) -> None:
        """Answer every call of the batch that somebody still waits for."""
        for pause in _pauses():
            if self.seen is None:
                self.seen = await self._ledger.load(self._attempts.subject)
            self._attempts.learn(self.seen)
            calls = tuple(call for call in batch if call.waits)
            if not calls:
                return
            if self._attempts.lost_track(self.seen, calls):
                raise Unavailable("It can't be told whether this call was counted.", retry_after_seconds=2)
            now = self._clock()
            planned = plan(self.seen.usage, now, [(call.quota, call.units) for call in calls])
            if planned.calls == 0:
                tell_all(calls, planned.decisions)
                return
            if await self._attempt(self.seen, planned, calls):
                return
            await asyncio.sleep(pause)

    async def _attempt(self, seen: Stored, planned: Plan, calls: tuple[Call, ...]) -> bool:
        """Send one write; True when its calls are answered, False when another try is due."""
        stamp = self._stamps.next(self._day(planned))
        share = share_of(planned, seen.plan_in(planned.after.month))
        attempt = Attempt(Posting(self._attempts.subject, seen, planned, stamp, share), calls)
        await self._attempts.prepare(attempt)
        try:
            stored = await self._send(attempt)
        except ConditionFailed as lost:
            self.seen = Stored.from_item(lost.item)
        except TransactionCancelled as cancelled:
            self._cancelled(attempt, cancelled.reasons)
        except NotApplied:
            pass
        except OutcomeUnknown:
            self._attempts.unknown(attempt)
            self.seen = None
        else:
            self.seen = stored
            self._attempts.happened(attempt, stored)
            tell_all(calls, planned.settled(stored.usage or planned.after))
            return True
        return False

    def _day(self, planned: Plan) -> date:
        """Today; while an attempt of unknown outcome is open its day, whose number keeps it from happening later."""
        return self._attempts.open_day(planned.after.month) or counting_day(planned.now, planned.after.month)

    async def _send(self, attempt: Attempt) -> Stored:
        markers = [
            Marker(call.idempotency.key_hash, call.idempotency.fingerprint, decision)
            for call, decision in zip(attempt.calls, attempt.planned.decisions, strict=True)
            if call.idempotency is not None and decision.admitted
        ]
        if markers:
            return await self._ledger.count_marked(attempt.posting, markers)
        return await self._ledger.count(attempt.posting)

    def _cancelled(self, attempt: Attempt, reasons: Sequence[Reason]) -> None:
        """Learn from a transaction that did not happen: a newer usage, or keys that have their answer already."""
        usage_reason, *marker_reasons = reasons
        if usage_reason.condition_failed:
            self.seen = Stored.from_item(usage_reason.item)
            self._attempts.learn(self.seen)  # where an earlier attempt of ours was faster, its calls have their answer
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


def replay(call: Call, marker: Marker) -> None:
    """Answer a call whose key was used before: the same answer, or a refusal when it came with something else."""
    if call.idempotency is not None and call.idempotency.fingerprint == marker.fingerprint:
        call.tell(Counted(marker.decision, replayed=True))
    else:
        call.fail(
            IdempotencyKeyReused("This Idempotency-Key was used with another request; use a new key for a new call.")
        )


def _pauses() -> Iterator[float]:
    """No pause after the first try (a lost race is re-decided at once), then growing ones with jitter."""
    yield 0
    for exponent in itertools.count():
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**exponent)
        yield longest * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing

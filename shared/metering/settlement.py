"""One batch of calls on its way into the store, until every call is answered.

Plans on what was last seen, writes, and answers only once the write is known to have happened. A lost race is planned
again on what the store says stands there. Where an answer was lost, the item's own record of this process's last
write tells whether the attempt happened, and the next attempt is conditional on it not having happened: so calls are
neither counted twice nor answered uncounted.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime

from shared.adapters.dynamodb import ConditionFailed, NotApplied, OutcomeUnknown, Reason, TransactionCancelled
from shared.domain.errors import IdempotencyKeyReused, Unavailable
from shared.metering.attempts import Attempt, Attempts
from shared.metering.calls import Call, Counted, tell_all
from shared.metering.ledger import Ledger, Marker, marker_from_item
from shared.metering.plan import Plan, plan
from shared.metering.stamps import Stamps, counting_day
from shared.metering.usage_item import Posting, Stored

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.25


class Settlement:
    """Settles one subject's calls, batch after batch. `stamps` numbers this process's writes, `attempts` follows them.

    `seen` is what the store was last known to hold.
    """

    __slots__ = ("_attempts", "_clock", "_ledger", "_stamps", "seen")

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], stamps: Stamps, attempts: Attempts) -> None:
        self._ledger = ledger
        self._clock = clock
        self._stamps = stamps
        self._attempts = attempts
        self.seen: Stored | None = None

    @property
    def sure(self) -> Stored | None:
        """What the store is known to hold; None where something has to be looked up before the next write."""
        return None if self._attempts.unknown else self.seen

    async def run(self, batch: Sequence[Call], attempt: Attempt | None = None, error: Exception | None = None) -> None:
        """Answer every call of the batch that somebody still waits for.

        `attempt` is one that is made for it already, `error` how that ended.
        """
        for tried in itertools.count():
            if attempt is None:
                if self.seen is None:
                    self.seen = await self._ledger.load(self._attempts.subject)
                calls = self._unanswered(batch, self.seen)
                attempt = self.attempt(calls, self.seen) if calls else None
                if attempt is None:
                    return
            error = error or await self._sent(attempt)
            if error is None:
                return
            self._failed(attempt, error)
            attempt = error = None
            await asyncio.sleep(_pause(tried))

    def attempt(self, calls: Sequence[Call], seen: Stored) -> Attempt | None:
        """The write that counts these calls; None where all of them are refused, and told so."""
        planned = plan(seen.usage, self._clock(), [(call.quota, call.units) for call in calls])
        if planned.last is None:
            tell_all(calls, planned.decisions)
            return None
        stamp = self._stamps.next(self._day(planned))
        return self._attempts.made(Posting.of(self._attempts.subject, seen, planned, stamp), calls)

    def happened(self, attempt: Attempt, stored: Stored) -> None:
        """Answer its calls: it is durable."""
        self.seen = stored
        self._attempts.happened(attempt, stored)
        planned = attempt.posting.planned
        tell_all(attempt.calls, planned.settled(stored.usage or planned.after))

    def _unanswered(self, batch: Sequence[Call], seen: Stored) -> list[Call]:
        """The calls somebody still waits for. Some may have been counted by a write whose outcome is learned now."""
        self._attempts.learn(seen)
        calls = [call for call in batch if call.waits]
        if calls and self._attempts.lost_track(seen, calls):
            raise Unavailable("It can't be told whether this call was counted.", retry_after_seconds=2)
        return calls

    async def _sent(self, attempt: Attempt) -> Exception | None:
        """Why it did not happen; None once its calls are answered."""
        if attempt.needed is not None:
            await attempt.needed
        try:
            if attempt.marked:
                markers = [Marker(key.key_hash, key.fingerprint, decision) for _, key, decision in attempt.marked]
                stored = await self._ledger.count_marked(attempt.posting, markers)
            else:
                stored = await self._ledger.count(attempt.posting)
        except Exception as error:  # noqa: BLE001 - `_failed` tells them apart
            return error
        self.happened(attempt, stored)
        return None

    def _failed(self, attempt: Attempt, error: Exception) -> None:
        """Learn what is to be learned from it, for another try; raises what no other try would change."""
        match error:
            case ConditionFailed():
                self._met(attempt, Stored.from_item(error.item))
            case TransactionCancelled():
                self._cancelled(attempt, error.reasons)
            case NotApplied():
                pass
            case OutcomeUnknown():
                self._attempts.unknown.append(attempt)
                self.seen = None
            case _:
                raise error

    def _met(self, attempt: Attempt, stored: Stored) -> None:
        """What stands there, other than was seen: the attempt itself, where somebody in between has sent it twice."""
        self.seen = stored
        stamp = attempt.posting.stamp
        if stored.number_of(stamp.writer) == stamp.number:
            self.happened(attempt, stored)

    def _day(self, planned: Plan) -> date:
        """Today; while an attempt of unknown outcome is open its day, whose number keeps it from happening later."""
        open_day = self._attempts.open_day(planned.after.month) if self._attempts.unknown else None
        return open_day or counting_day(planned.now, planned.after.month)

    def _cancelled(self, attempt: Attempt, reasons: Sequence[Reason]) -> None:
        """Learn from a transaction that did not happen: a newer usage, or keys that have their answer already."""
        usage_reason, *marker_reasons = reasons
        if usage_reason.condition_failed:
            stored = Stored.from_item(usage_reason.item)
            self._met(attempt, stored)
            self._attempts.learn(stored)  # where an earlier attempt of ours was faster, its calls have their answer
        elif not any(reason.condition_failed for reason in marker_reasons):
            self.seen = None  # collided with another write under way, which will have changed the usage
        for (call, _, _), reason in zip(attempt.marked, marker_reasons, strict=True):
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


def _pause(tried: int) -> float:
    """No pause after the first try (a lost race is re-decided at once), then growing ones with jitter."""
    if tried == 0:
        return 0
    longest: float = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tried - 1))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing

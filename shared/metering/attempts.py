"""The writes of one subject's lane whose outcome is not known yet, and who is told once it is.

Kept by shared.metering.lane, used by its settlements. Of a process's writes under one name at most one can follow on
the last known number: when one is seen to have happened, the others never will.
"""

from collections.abc import Awaitable, Sequence
from datetime import date

from msgspec import Struct

from shared.domain.periods import Month
from shared.domain.quota import Decision
from shared.metering.calls import Call, Idempotency, tell_all
from shared.metering.observer import Observer, Written
from shared.metering.plan import Plan
from shared.metering.usage_item import Posting, Stored

Marked = tuple[Call, Idempotency, Decision]


class Attempt(Struct, frozen=True, eq=False):
    """A write that is to be sent, or was, and the calls it counts.

    `marked` are those of the admitted calls that came with a key; `needed` is what must be done before it may be sent.
    """

    posting: Posting
    calls: Sequence[Call]
    marked: Sequence[Marked]
    needed: Awaitable[None] | None

    @property
    def planned(self) -> Plan:
        return self.posting.planned

    @property
    def plain(self) -> bool:
        """Whether it is one write, and nothing else."""
        return self.needed is None and not self.marked


class Attempts:
    """One subject's attempts."""

    __slots__ = ("_observer", "subject", "unknown")

    def __init__(self, subject: str, observer: Observer) -> None:
        self.subject = subject
        self._observer = observer
        self.unknown: list[Attempt] = []

    def made(self, posting: Posting, calls: Sequence[Call]) -> Attempt:
        """The attempt at this write, with whatever its calls and the observer need beside it."""
        marked: list[Marked] = []
        for call, decision in zip(calls, posting.planned.decisions, strict=True):
            if call.idempotency is not None and decision.admitted:
                marked.append((call, call.idempotency, decision))
        needed = self._observer.before(self.subject, posting.stamp, posting.planned.now, posting.seen.usage is None)
        return Attempt(posting, calls, marked, needed)

    def open_day(self, month: Month) -> date | None:
        """The day of the last attempt of unknown outcome, in this month."""
        return next((one.posting.stamp.day for one in reversed(self.unknown) if _month(one) == month), None)

    def happened(self, attempt: Attempt, stored: Stored) -> None:
        """This write is known to have happened, and so no other of its name that is still open."""
        posting, usage = attempt.posting, stored.usage
        stamp, planned, after = posting.stamp, posting.planned, posting.planned.after
        if self.unknown:
            self.unknown = [one for one in self.unknown if one.posting.stamp.writer != stamp.writer]
        used = usage.used if usage is not None and usage.month == after.month else after.used
        self._observer.written(
            Written(
                self.subject,
                stamp,
                posting.share,
                after.used - planned.before.used,
                used,
                planned.quota,
                posting.plan_before,
            )
        )

    def learn(self, seen: Stored) -> None:
        """Answer the calls of attempts that are seen to have happened."""
        for attempt in list(self.unknown):
            if seen.number_of(attempt.posting.stamp.writer) == attempt.posting.stamp.number:
                self.happened(attempt, seen)
                tell_all(attempt.calls, attempt.planned.decisions)

    def lost_track(self, seen: Stored, calls: Sequence[Call]) -> bool:
        """Whether the item can't tell any more of an attempt with one of these calls: its record is gone.

        Such attempts are followed no longer.
        """
        lost = [one for one in self.unknown if _trace_lost(seen, one)]
        for attempt in lost:
            self.unknown.remove(attempt)
            self._observer.doubtful(self.subject, attempt.posting.stamp)
        return any(call in attempt.calls for attempt in lost for call in calls)

    def give_up(self) -> None:
        """Nobody will look any more."""
        for attempt in self.unknown:
            self._observer.doubtful(self.subject, attempt.posting.stamp)
        self.unknown.clear()

    def never(self, given_time: Sequence[Attempt]) -> None:
        """These have had all the time they could need: they did not happen."""
        self.unknown = [one for one in self.unknown if one not in given_time]


def _month(attempt: Attempt) -> Month:
    return attempt.planned.after.month


def _trace_lost(seen: Stored, attempt: Attempt) -> bool:
    """The month has turned, or the writer's record was removed."""
    if seen.usage is None:
        return False
    if seen.usage.month > _month(attempt):
        return True
    before, writer = attempt.posting.seen, attempt.posting.stamp.writer
    same_month = before.usage is not None and before.usage.month == seen.usage.month
    return same_month and writer in before.writers and writer not in seen.writers

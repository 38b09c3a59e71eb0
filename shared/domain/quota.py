"""The one decision of this product: may this call pass, and what is the count then?

Pure. `decide` takes what is stored, the instant and what is asked, and answers *admitted* with the new usage,
*over quota* or *rate limited*. shared.metering turns an admitted decision into one conditional write; nothing else
in the product compares a count with a limit.

A call's units count against the month; the call itself counts once against the minute. A refused call counts nowhere.
Stored time never runs back: a process whose clock lags counts in the later month or minute that is already stored.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from shared.domain.periods import Month, minute_of

UNLIMITED = -1
MAX_UNITS = 1_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """What a plan or tier allows: units a month (`-1` unlimited) and calls a minute (`-1` unlimited)."""

    plan: str
    limit: int
    rate_per_minute: int


# A call makes a dozen such values; a struct costs a third of a named tuple to make, half to read (decision 0009).
# `gc=False`: they refer to nothing that refers to them, so the collector need not follow them.
class Usage(Struct, frozen=True, gc=False):
    """What is stored for one subject: units used in a month, calls made in a minute."""

    month: Month
    used: int
    minute: int
    calls: int

    @classmethod
    def none(cls, now: datetime) -> "Usage":
        return cls(Month.of(now), 0, minute_of(now), 0)

    def at(self, now: datetime) -> "Usage":
        """The same usage seen at an instant: a month or minute that has turned starts at 0."""
        second = now.timestamp()
        if second < (self.minute + 1) * 60 and second < self.month.ends_at:
            return self
        month, minute = Month.of(now), minute_of(now)
        if month > self.month:
            return Usage(month, 0, minute, 0)
        return Usage(self.month, self.used, minute, 0) if minute > self.minute else self

    @property
    def minute_ends_at(self) -> int:
        """In seconds since 1970."""
        return (self.minute + 1) * 60

    def plus(self, units: int, calls: int) -> "Usage":
        return Usage(self.month, self.used + units, self.minute, self.calls + calls)


class Verdict(StrEnum):
    ADMITTED = "admitted"
    OVER_QUOTA = "over_quota"
    RATE_LIMITED = "rate_limited"


_ADMITTED = Verdict.ADMITTED  # looked up by way of the class, it costs as much as all else that is asked of it


class Standing(Struct, frozen=True, gc=False):
    """Where a subject stands: its usage against a quota. What remains is None where unlimited."""

    quota: Quota
    usage: Usage

    @property
    def remaining(self) -> int | None:
        return None if self.quota.limit == UNLIMITED else max(0, self.quota.limit - self.usage.used)

    @property
    def calls_remaining(self) -> int | None:
        rate = self.quota.rate_per_minute
        return None if rate == UNLIMITED else max(0, rate - self.usage.calls)

    @property
    def month_resets_at(self) -> datetime:
        return self.usage.month.end

    @property
    def minute_resets_at(self) -> datetime:
        return datetime.fromtimestamp(self.usage.minute_ends_at, UTC)


class Decision(Standing, frozen=True, gc=False):
    """The answer to one call, and where the subject stands after it."""

    verdict: Verdict

    @property
    def admitted(self) -> bool:
        return self.verdict is _ADMITTED


def decide(stored: Usage | None, now: datetime, quota: Quota, units: int) -> Decision:
    """Decide one call of `units` (1 to 1,000,000) at `now`. A used-up month is told before a used-up minute."""
    return decided(Usage.none(now) if stored is None else stored.at(now), quota, units)


def decided(current: Usage, quota: Quota, units: int) -> Decision:
    """The same on the usage at this instant."""
    if current.used + units > quota.limit != UNLIMITED:
        return Decision(quota, current, Verdict.OVER_QUOTA)
    if current.calls >= quota.rate_per_minute != UNLIMITED:
        return Decision(quota, current, Verdict.RATE_LIMITED)
    return Decision(quota, Usage(current.month, current.used + units, current.minute, current.calls + 1), _ADMITTED)

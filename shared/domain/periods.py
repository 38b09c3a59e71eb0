"""Usage periods: the UTC calendar month a limit covers and the UTC minute a rate limit covers.

Both are plain values that sort in time order, so that "later period" is `>`. The instant is always passed in.
"""

from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from typing import NamedTuple


class Month(NamedTuple):
    """A UTC calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, instant: datetime) -> "Month":
        utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
        return _month(utc.year, utc.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """From the stored form `YYYY-MM`."""
        year, _, month = text.partition("-")
        return _month(int(year), int(month))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def start(self) -> datetime:
        return _bounds(self.year, self.month).start

    @property
    def end(self) -> datetime:
        """The first instant that is no longer in the month."""
        return _bounds(self.year, self.month).end

    @property
    def texts(self) -> tuple[str, str]:
        """Start and end as JSON has them."""
        return _bounds(self.year, self.month).texts

    @property
    def ends_at(self) -> float:
        """The end in seconds since 1970."""
        return _bounds(self.year, self.month).ends_at

    @property
    def seconds(self) -> int:
        return _bounds(self.year, self.month).seconds

    def next(self) -> "Month":
        return _month(self.year + self.month // 12, self.month % 12 + 1)


# The present month and the next are asked for in every call; they are values, so one of each will do.
@lru_cache(64)
def _month(year: int, month: int) -> Month:
    return Month(year, month)


class _Bounds(NamedTuple):
    start: datetime
    end: datetime
    texts: tuple[str, str]
    ends_at: float
    seconds: int


@lru_cache(64)
def _bounds(year: int, month: int) -> _Bounds:
    after = _month(year, month).next()
    start, end = (datetime(one.year, one.month, 1, tzinfo=UTC) for one in (_month(year, month), after))
    return _Bounds(start, end, (timestamp(start), timestamp(end)), end.timestamp(), int((end - start).total_seconds()))


def minute_of(instant: datetime) -> int:
    """The UTC minute as whole minutes since 1970."""
    return int(instant.timestamp() // 60)


def seconds_until(later: datetime, now: datetime) -> int:
    """Whole seconds until then, rounded up and at least 1: what Retry-After may say."""
    delta = later - now
    whole = delta.days * 86_400 + delta.seconds + (1 if delta.microseconds else 0)
    return max(1, whole)


def timestamp(instant: datetime) -> str:
    """The JSON form of an instant: RFC 3339 in UTC with `Z`, in whole seconds."""
    return _timestamp(floor(instant.timestamp()))


@lru_cache(256)
def _timestamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")

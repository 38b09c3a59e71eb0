"""Usage periods: the UTC calendar month a limit covers and the UTC minute a rate limit covers.

Both are plain values that sort in time order, so that "later period" is `>`. The instant is always passed in.
"""

from datetime import UTC, datetime
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple, Self


class _YearMonth(NamedTuple):
    year: int
    month: int


class Month(_YearMonth):
    """A UTC calendar month. Its bounds are made with it: they are asked for in every call.

    `end` is the first instant that is no longer in it, `ends_at` the same in seconds since 1970; `texts` are start and
    end as JSON has them.
    """

    start: datetime
    end: datetime
    texts: tuple[str, str]
    ends_at: float
    seconds: int

    def __new__(cls, year: int, month: int) -> Self:
        made = super().__new__(cls, year, month)
        made.start = datetime(year, month, 1, tzinfo=UTC)
        made.end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        made.texts = timestamp(made.start), timestamp(made.end)
        made.ends_at = made.end.timestamp()
        made.seconds = int((made.end - made.start).total_seconds())
        return made

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


# The present month and the next are asked for in every call; they are values, so one of each will do.
@lru_cache(64)
def _month(year: int, month: int) -> Month:
    return Month(year, month)


def minute_of(instant: datetime) -> int:
    """The UTC minute as whole minutes since 1970."""
    return int(instant.timestamp() // 60)


def seconds_until(later: float, instant: float) -> int:
    """Whole seconds from one instant to a later one (both since 1970), at least 1: what Retry-After may say."""
    return max(1, ceil(later - instant))


def timestamp(instant: datetime) -> str:
    """The JSON form of an instant: RFC 3339 in UTC with `Z`, in whole seconds."""
    return _timestamp(floor(instant.timestamp()))


@lru_cache(256)
def _timestamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")

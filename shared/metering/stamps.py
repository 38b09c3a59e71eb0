"""Who writes: this process's writes, numbered, under a name of their own for each UTC day.

shared.metering.settlement takes a stamp for every attempt; shared.metering.ledger keeps them in the usage items. The
name says the day and the process, so what an item holds under it is what that process counted on that day.
"""

import itertools
from datetime import UTC, date, datetime

from msgspec import Struct

from shared.adapters.system import Chance, Clock
from shared.domain.periods import Month

_DAY_DIGITS = 5


class Stamp(Struct, frozen=True, gc=False):
    """One write of a process on a day; no two writes of a process have the same number."""

    writer: str
    day: date
    number: int


class Stamps:
    """The stamps of one process."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._today: tuple[date, str] | None = None

    def next(self, day: date) -> Stamp:
        if self._today is None or self._today[0] != day:
            self._today = (day, writer_name(day, self._process))
        day, writer = self._today  # the same day each time: finding by it is quicker so
        return Stamp(writer, day, next(self._numbers))


def process_name(clock: Clock, chance: Chance) -> str:
    """A name for this process. Names sort by start, so that the oldest can be told."""
    return f"{int(clock().timestamp()):x}{chance(3).hex()}"


def writer_name(day: date, process: str) -> str:
    """Days sort first."""
    return f"{day.toordinal():0{_DAY_DIGITS}x}{process}"


def writers_since(day: date) -> str:
    """Writers of that day and later sort from here."""
    return f"{day.toordinal():0{_DAY_DIGITS}x}"


def counting_day(now: datetime, month: Month) -> date:
    """The UTC day a call counts in: in the month it counts in, also for a process whose clock lags behind it."""
    today = (now if now.tzinfo is UTC else now.astimezone(UTC)).date()
    return today if (today.year, today.month) >= month else month.start.date()

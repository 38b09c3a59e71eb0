"""Who is told of what is counted: the seam between the exact counter and whoever adds up what it counts.

shared.metering.counter is given one; tenant_api/tally.py adds up by platform. An observer can delay a subject's first
write and can't change what is counted.
"""

from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from shared.domain.quota import Quota
from shared.metering.share import Share
from shared.metering.stamps import Stamp


class Written(Struct, frozen=True, gc=False):
    """A write that is known to have happened. `used` is the month's count after it, `units` what it added to that.

    `quota` is that of its last admitted call, `plan_before` the tier of the subject before it in this month.
    """

    subject: str
    stamp: Stamp
    share: Share
    units: int
    used: int
    quota: Quota
    plan_before: str | None


class Observer(Protocol):
    """Told of every write, in the order in which its outcome becomes known."""

    def before(self, subject: str, stamp: Stamp, now: datetime, first: bool, /) -> Awaitable[None] | None:
        """What must be done before this write of `now` may be sent, if anything; `first` where there is no item yet.

        What it raises is what the callers are told.
        """

    def written(self, written: Written, /) -> None:
        """This write has happened. Told once for each; must not raise."""

    def doubtful(self, subject: str, stamp: Stamp, /) -> None:
        """Whether this write happened can't be learned any more here; the item's own record knows."""


class Unobserved:
    """Nobody is told."""

    def before(self, _subject: str, _stamp: Stamp, _now: datetime, _first: bool, /) -> Awaitable[None] | None:
        return None

    def written(self, _written: Written, /) -> None:
        return None

    def doubtful(self, _subject: str, _stamp: Stamp, /) -> None:
        return None

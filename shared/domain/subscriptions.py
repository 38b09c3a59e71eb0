"""What a Stripe subscription is worth: the status table, the grace period, and which of several counts. Pure.

Both services' billing derives the enforced plan here, from Stripe's current subscription and nothing else.

    status               pays    why
    trialing             yes     a trial is a paid plan that is not charged yet
    active               yes
    past_due             grace   until `GRACE` after the unpaid period began, then no
    incomplete           no      the first payment has not succeeded
    incomplete_expired   no
    unpaid               no      every retry failed
    canceled             no
    paused               no
    anything else        no      a status we do not know is told in the log
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

GRACE = timedelta(days=7)


class Worth(Enum):
    """What a status means for access."""

    PAYS = "pays"
    GRACE = "grace"
    NOTHING = "nothing"


TABLE = {
    "trialing": Worth.PAYS,
    "active": Worth.PAYS,
    "past_due": Worth.GRACE,
    "incomplete": Worth.NOTHING,
    "incomplete_expired": Worth.NOTHING,
    "unpaid": Worth.NOTHING,
    "canceled": Worth.NOTHING,
    "paused": Worth.NOTHING,
}
ENDED = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Subscription:
    """A Stripe subscription as it is now. Times are Unix seconds; `price_id` is that of its first item.

    `amount` is what that item costs each `interval`, in minor units of `currency`.
    """

    id: str
    customer_id: str
    status: str
    price_id: str
    created: int
    period_start: int
    period_end: int
    cancel_at: int | None = None
    amount: int | None = None
    currency: str | None = None
    interval: str | None = None

    @property
    def known_status(self) -> bool:
        return self.status in TABLE

    @property
    def live(self) -> bool:
        """Not ended for good: it may still pay, or pay again."""
        return self.status not in ENDED

    def paid_until(self, grace: timedelta = GRACE) -> int | None:
        """Until when it gives its plan (Unix seconds, exclusive); None: for as long as it stands like this.

        0 where it gives none.
        """
        worth = TABLE.get(self.status, Worth.NOTHING)
        if worth is Worth.PAYS:
            return None
        return self.period_start + int(grace.total_seconds()) if worth is Worth.GRACE else 0

    def pays(self, now: datetime, grace: timedelta = GRACE) -> bool:
        until = self.paid_until(grace)
        return until is None or now.timestamp() < until


def current(subscriptions: Iterable[Subscription], now: datetime, grace: timedelta = GRACE) -> Subscription | None:
    """The one that counts: the newest that pays, else the newest that is live, else the newest."""
    ranked = sorted(subscriptions, key=lambda one: (one.pays(now, grace), one.live, one.created, one.id), reverse=True)
    return ranked[0] if ranked else None


def surplus(
    subscriptions: Sequence[Subscription], kept: Subscription | None, now: datetime, grace: timedelta = GRACE
) -> list[Subscription]:
    """Those beside the kept one that would go on charging: bought twice by accident, to be cancelled.

    None while the kept one gives nothing (any more): another may still be paid, and would then be the one to keep.
    """
    if kept is None or not kept.pays(now, grace):
        return []
    return [one for one in subscriptions if one.id != kept.id and one.live]

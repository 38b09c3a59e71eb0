"""What changing a price in mid-period costs: credit for the unused time, charge for the rest. Pure arithmetic."""

from infra.sandbox.stripe import invoices
from infra.sandbox.stripe.errors import Object
from infra.sandbox.stripe.subscription import cost


def lines(before: Object, after: Object, at: int) -> list[Object]:
    """The lines of the change from one state of a subscription to another, in whole minor units."""
    old = {item["id"]: item for item in before["items"]["data"]}
    new = {item["id"]: item for item in after["items"]["data"]}
    changed = [name for name in old.keys() | new.keys() if _terms(old.get(name)) != _terms(new.get(name))]
    credits_ = [_line(before, old[name], at, credit=True) for name in changed if name in old]
    charges = [_line(after, new[name], at, credit=False) for name in changed if name in new]
    return [*credits_, *charges]


def refund(subscription: Object, at: int) -> list[Object]:
    """Credit for all that was paid and not used."""
    return [_line(subscription, item, at, credit=True) for item in subscription["items"]["data"]]


def _terms(item: Object | None) -> tuple[str, int] | None:
    return None if item is None else (item["price"]["id"], item["quantity"])


def _line(subscription: Object, item: Object, at: int, *, credit: bool) -> Object:
    start, end = item["current_period_start"], item["current_period_end"]
    left = min(1.0, max(0.0, (end - at) / (end - start)))
    amount = round(cost(item) * left)
    what = "Unused time" if credit else "Remaining time"
    return invoices.line(subscription, item, -amount if credit else amount, what, (at, end), proration=True)

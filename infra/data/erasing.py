"""Erasing an end-user or a developer: personal data goes, what accounting needs stays without the person.

`make erase-user` and `make erase-developer` call it. It may be repeated: what is gone is not found again. Who still
pays is not erased. Clerk's user and Stripe's customer are not ours to delete; the command says where to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.data.belongings import PLATFORM_TABLES, Belonging, Owner, belongings, owner_of_platform, platform_of
from infra.data.families import Erasing
from infra.data.keys import SEPARATOR
from infra.data.store import Item, Store
from infra.deploy.environment import Unusable
from shared.domain.periods import timestamp

# What accounting needs of a billing record. Amounts are on Stripe's invoices, which these ids lead to.
ACCOUNTING = ("account", "customerId", "subscriptionId", "priceId", "plan", "status", "paidUntil", "periodEnd")


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, or would be, with one item."""

    one: Belonging
    instead: Item | None

    def told(self) -> dict[str, Any]:
        does = Erasing.DELETE if self.instead is None else Erasing.ACCOUNT
        return {"table": self.one.table, "key": SEPARATOR.join(self.one.key.values()), "does": str(does)}


def end_user(store: Store, platform_id: str, user_id: str, now: datetime) -> list[Step]:
    """The steps that erase one end-user. Raises Unusable while they pay."""
    if not user_id:
        raise Unusable("Say whom: PLATFORM=plt_… USER=the id that the developer knows them by.")
    return _planned(store, Owner(platform_id, end_user_id=user_id), now)


def developer(store: Store, user_id: str | None, platform_id: str | None, now: datetime) -> list[Step]:
    """The steps that erase a developer with their platform and all its end-users. Raises Unusable while any pays."""
    if user_id is not None:
        platform_id = platform_of(store, user_id)
    found = owner_of_platform(store, platform_id) if platform_id is not None else Owner(None)
    return _planned(store, Owner(platform_id, user_id or found.developer_id, found.accounts), now)


def done(store: Store, steps: list[Step]) -> None:
    """Carry the steps out. Interrupted, the rest is found by doing it again."""
    for step in steps:
        if step.instead is None:
            store.delete(step.one.table, step.one.key)
        else:
            store.swap(step.one.table, step.one.key, step.instead)


def _planned(store: Store, owner: Owner, now: datetime) -> list[Step]:
    found = [one for one in belongings(store, owner) if one.family.erasing is not Erasing.KEEP]
    paying = list(_paying(found, now))
    if paying:
        raise Unusable("Nothing was erased, for there is still paid; cancel at Stripe first:\n" + "\n".join(paying))
    found.sort(key=lambda one: (_turn(one), one.key["pk"], one.key["sk"]))
    return [Step(one, _instead(one, now)) for one in found]


def _turn(one: Belonging) -> int:
    """When an item's turn is, so that an erasure that was interrupted is finished by doing it again.

    The platform's credential goes before anything of the tenant's side, or the bridge would carry the keys over once
    more; what leads from the developer to the platform goes last.
    """
    if one.table not in PLATFORM_TABLES:
        return 3 if one.item["sk"] == "apikey" else 4
    if "platformId" not in one.facts:
        return 0
    if one.item["sk"] != "credential":
        return 2
    return 1 if one.item["pk"].startswith("platform:") else 5


def _paying(found: list[Belonging], now: datetime) -> Iterator[str]:
    for one in found:
        item = one.item
        if one.family.erasing is not Erasing.ACCOUNT or item.get("plan") is None:
            continue
        until = item.get("paidUntil")
        if until is None or until > now.timestamp():
            yield f"  {item['pk']}: {item.get('subscriptionId')} on account {item['account']}, plan {item['plan']}"


def _instead(one: Belonging, now: datetime) -> Item | None:
    """The record that stays for accounting: known by Stripe's customer, without our user's id.

    One of every customer they ever had, since it is also what a late event about that customer is told by. Of the
    last one it says most: a billing record's turn comes after that of its customer.
    """
    if one.family.erasing is not Erasing.ACCOUNT:
        return None
    customer: Item = {name: one.facts[name] for name in ("account", "customerId", "platformId") if name in one.facts}
    kept = {name: one.item[name] for name in ACCOUNTING if name in one.item}
    key = {"pk": f"accounting:{customer['account']}:{customer['customerId']}", "sk": "billing"}
    return {**key, **customer, **kept, "erasedAt": timestamp(now)}

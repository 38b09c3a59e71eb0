"""The documented keys (README, "Data") as names of stored items: looking one up, and listing by prefix.

`make kv-get` and `make kv-list` call it. An item without a documented key is called `pk / sk`; a partition key alone
is all its items. A minute's count is read out of the usage item, where it stands.
"""

import re
from collections.abc import Iterator
from typing import Any

from infra.data.families import FAMILIES, Facts, Family, family_of, filled, of_table, pattern_of
from infra.data.store import Item, Store
from infra.deploy.environment import Unusable
from infra.tables import TABLES

SEPARATOR = " / "
_PLATFORM = re.compile(r"plt_[0-9a-f]{32}")

Entry = tuple[str, Any]


def known_table(name: str) -> str:
    names = [table.name for table in TABLES]
    if name not in names:
        raise Unusable(f"NAMESPACE must be one of {', '.join(names)}, not {name!r}.")
    return name


def find(store: Store, table: str, key: str) -> Any:
    """The value of a documented key; None when there is none."""
    if SEPARATOR in key:
        pk, _, sk = key.rpartition(SEPARATOR)
        return store.get(table, {"pk": pk, "sk": sk})
    minute = re.fullmatch(r"ratelimit:(?P<subject>.+):(?P<minute>\d+)", key, re.DOTALL)
    if minute is not None:
        return _minute(store, table, minute["subject"], int(minute["minute"]))
    for family in of_table(table):
        for name, attribute in family.names.items():
            item = _named(store, family, pattern_of(name).fullmatch(key))
            if item is not None:
                return item.get(attribute) if attribute is not None else _without_key(item)
    return {item["sk"]: _without_key(item) for item in store.query(table, key)} or None


def listed(store: Store, table: str, prefix: str) -> Iterator[Entry]:
    """Every key that begins with the prefix, with its value: by query where it names a platform, else by scan."""
    partitions = _partitions(table, prefix)
    if partitions is None:
        items = store.scan(table)
    else:
        items = (item for partition in partitions for item in store.query(table, partition))
    for item in items:
        yield from ((key, value) for key, value in entries(table, item) if key.startswith(prefix))


def entries(table: str, item: Item) -> Iterator[Entry]:
    """An item under each of its documented keys, or under `pk / sk` when it has none."""
    found = family_of(table, item)
    names = found[0].names if found is not None else {}
    for name, attribute in names.items():
        value = _without_key(item) if attribute is None else item.get(attribute)
        if found is not None and value is not None:
            yield filled(name, found[1]), value
    if not names:
        yield f"{item['pk']}{SEPARATOR}{item['sk']}", _without_key(item)


def _named(store: Store, family: Family, match: re.Match[str] | None) -> Item | None:
    """The item a documented key means; where the key does not hold all of the item's, by way of another item."""
    if match is None:
        return None
    facts: Facts = match.groupdict()
    try:
        return store.get(family.table, family.key(facts))
    except KeyError:
        return _by_way_of(store, family, facts)


def _by_way_of(store: Store, family: Family, facts: Facts) -> Item | None:
    """`user:{userId}:apiKey` is kept with the platform, which the user's own item names."""
    for other in FAMILIES:
        if other.table != family.table or not set(_places(other.pk)) <= facts.keys() or not other.takes:
            continue
        item = store.get(other.table, {"pk": filled(other.pk, facts), "sk": other.sk})
        more = {} if item is None else {name: str(item[name]) for name in other.takes if name in item}
        if set(_places(family.pk)) <= (facts | more).keys():
            return store.get(family.table, family.key(facts | more))
    return None


def _places(template: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", template)


def _partitions(table: str, prefix: str) -> list[str] | None:
    """The partitions that hold every key with the prefix; None where only a scan finds them."""
    named = _PLATFORM.search(prefix)
    platform = named.group() if named else "{platformId}"
    found = []
    for family in of_table(table):
        pk = family.pk.replace("{platformId}", platform)
        for name in [*family.names] or [family.pk]:
            head = name.replace("{platformId}", platform).partition("{")[0]
            if not (head.startswith(prefix) or prefix.startswith(head)):
                continue
            if "{" in pk:
                return None
            found.append(pk)
    return list(dict.fromkeys(found))


def _minute(store: Store, table: str, subject: str, minute: int) -> Any:
    item = store.get(table, {"pk": f"usage:{subject}", "sk": "usage"})
    if item is None or item.get("minute") != minute:
        return None
    return {"count": item["minuteCalls"]}


def _without_key(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in {"pk", "sk"}}

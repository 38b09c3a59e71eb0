"""Which items belong to a platform or to a person, by the families' lines. Reads whole tables: an operator's work.

Called by exporting.py and erasing.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.data.families import Facts, Family, family_of
from infra.data.store import Item, Store
from infra.tables import TABLES

PLATFORM_TABLES = frozenset(table.name for table in TABLES if table.owner == "platform_api")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose items are wanted.

    A platform (with its developer and its connected accounts), or one end-user of it, or a developer who never had one.
    """

    platform_id: str | None
    developer_id: str | None = None
    accounts: frozenset[str] = field(default_factory=frozenset)
    end_user_id: str | None = None

    def has(self, table: str, facts: Facts) -> bool:
        if self.end_user_id is not None:
            # Tenant tables only: an end-user may have been given the same id as a developer.
            its = (facts.get("platformId"), facts.get("userId"))
            return table not in PLATFORM_TABLES and its == (self.platform_id, self.end_user_id)
        if table in PLATFORM_TABLES and self.developer_id is not None and facts.get("userId") == self.developer_id:
            return True
        known = facts.get("platformId")
        if known is not None:
            return known == self.platform_id
        return table not in PLATFORM_TABLES and facts.get("account") in self.accounts


@dataclass(frozen=True, slots=True)
class Belonging:
    """One item of somebody's."""

    table: str
    item: Item
    family: Family
    facts: Facts

    @property
    def key(self) -> dict[str, str]:
        return {"pk": self.item["pk"], "sk": self.item["sk"]}


def platform_of(store: Store, user_id: str) -> str | None:
    """A developer's platform."""
    item = store.get("platform-tokens", {"pk": f"user:{user_id}", "sk": "credential"})
    return None if item is None else str(item["platformId"])


def owner_of_platform(store: Store, platform_id: str) -> Owner:
    """A platform with what leads to its items: its developer, unknown where it was registered by e-mail."""
    credential = store.get("platform-tokens", {"pk": f"platform:{platform_id}", "sk": "credential"})
    connection = store.get("tenant-tokens", {"pk": f"platform:{platform_id}", "sk": "stripe"})
    accounts = frozenset() if connection is None else frozenset({str(connection["accountId"])})
    return Owner(platform_id, None if credential is None else str(credential["userId"]), accounts)


def belongings(store: Store, owner: Owner) -> Iterator[Belonging]:
    for table in TABLES:
        for item in store.scan(table.name):
            found = family_of(table.name, item)
            if found is not None and owner.has(table.name, found[1]):
                yield Belonging(table.name, item, *found)


def strangers(store: Store) -> Iterator[str]:
    """Items that no family describes: an export would not hold them, an erasure not find them."""
    for table in TABLES:
        for item in store.scan(table.name):
            if family_of(table.name, item) is None:
                yield f"{table.name} {item['pk']} / {item['sk']}"

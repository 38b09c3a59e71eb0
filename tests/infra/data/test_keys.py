"""Documented keys lead to what is stored under them, secrets hidden; a list asks no more than it must."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.data.belongings import strangers
from infra.data.keys import find, listed
from infra.data.masking import masked
from infra.data.store import Item, Store
from tests.infra.data.conftest import DEVELOPER, PAYER, PLATFORM


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("platform-usage", f"usage:{DEVELOPER}", {"usageCount": 4, "minute": 7, "minuteCalls": 2}),
        ("platform-usage", f"ratelimit:{DEVELOPER}:7", {"count": 2}),
        ("platform-usage", f"ratelimit:{DEVELOPER}:8", None),
        ("platform-usage", "webhook:stripe:evt_a", {"status": "done"}),
        ("platform-tokens", f"user:{DEVELOPER}:platformId", PLATFORM),
        ("platform-tokens", f"platform:{PLATFORM}:userId", DEVELOPER),
        ("platform-tokens", f"apikey:{'a' * 64}", PLATFORM),
        ("tenant-usage", f"usage:{PLATFORM}:{PAYER}", {"usageCount": 9, "minute": 7, "minuteCalls": 1}),
        ("tenant-usage", f"ratelimit:{PLATFORM}:{PAYER}:7", {"count": 1}),
        ("tenant-tokens", f"platform:{PLATFORM}:email", "a@example.com"),
        ("tenant-tokens", f"platform:{PLATFORM}:createdAt", None),
        ("tenant-tokens", f"platform:{PLATFORM}:stripe", {"accountId": "acct_a"}),
        ("tenant-tokens", f"user:{PLATFORM}:tierConfig", {"version": 1, "tiers": []}),
        ("tenant-tokens", f"apikey:{'a' * 64}", PLATFORM),
        ("tenant-tokens", "nothing", None),
        ("tenant-usage", f"revenue:{PLATFORM} / 2026-11#usd", {"amount": 1999}),
        ("tenant-usage", f"users:{PLATFORM}", {PAYER: {}}),
    ],
)
def test_a_documented_key_leads_to_its_value(busy: Store, table: str, key: str, value: Any) -> None:
    found = find(busy, table, key)
    wanted = value if "/" not in key else value | dict(zip(("pk", "sk"), key.split(" / "), strict=True))
    assert found == wanted


def test_the_key_of_a_developer_is_found_by_way_of_the_platform(busy: Store) -> None:
    assert str(find(busy, "platform-tokens", f"user:{DEVELOPER}:apiKey")).startswith("gAAAA")
    assert find(busy, "platform-tokens", "user:nobody:apiKey") is None


def test_every_kind_of_item_has_a_family(busy: Store) -> None:
    assert list(strangers(busy)) == []
    busy.put("tenant-usage", {"pk": "new:thing", "sk": "x"})
    assert list(strangers(busy)) == ["tenant-usage new:thing / x"]


class Counted(Store):
    """Tells which partitions were asked for, and whether a table was read whole."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner._client, inner._prefix)
        self.asked: list[str] = []

    def query(self, table: str, pk: str) -> Iterator[Item]:
        self.asked.append(pk)
        return super().query(table, pk)

    def scan(self, table: str) -> Iterator[Item]:
        self.asked.append("everything")
        return super().scan(table)


def test_a_list_of_one_platform_is_a_query(busy: Store) -> None:
    store = Counted(busy)
    keys = [key for key, _ in listed(store, "tenant-tokens", f"platform:{PLATFORM}:")]
    assert keys == [f"platform:{PLATFORM}:{part}" for part in ("credential", "preview", "email", "stripe")]
    assert store.asked == [f"platform:{PLATFORM}"]
    assert [key for key, _ in listed(store, "tenant-usage", f"stats:{PLATFORM}")] == [
        f"stats:{PLATFORM} / 2026-11-25#proc"
    ]
    assert store.asked[1:] == [f"stats:{PLATFORM}"]


def test_a_list_across_platforms_scans_and_finds_all(busy: Store) -> None:
    store = Counted(busy)
    assert len(list(listed(store, "tenant-usage", "usage:"))) == 4
    assert len(list(listed(store, "tenant-usage", f"usage:{PLATFORM}:"))) == 2
    assert store.asked == ["everything", "everything"]
    everything = [key for key, _ in listed(store, "tenant-tokens", "")]
    assert f"user:{PLATFORM}:tierConfig" in everything
    assert f"user:{PLATFORM}:{PAYER} / billing" in everything


def test_secrets_are_hidden_wherever_they_stand() -> None:
    seen = masked(
        {
            "sealedKey": "gAAAA" + "x" * 90,
            "keyHash": "0123456789abcdef" * 4,
            "key": "ab" * 32,
            "verifier": "short",
            "note": "was sk_live_abcdefghijklmnopqrstuvwxyz0123456789 and whsec_abc",
            "inner": [{"previousHash": "f" * 64}],
            "platformId": "plt_1",
        }
    )
    assert seen == {
        "sealedKey": "(sealed)",
        "keyHash": "01234567…",
        "key": "abababab…",
        "verifier": "(hidden)",
        "note": "was sk_live_… and (hidden)",
        "inner": [{"previousHash": "ffffffff…"}],
        "platformId": "plt_1",
    }

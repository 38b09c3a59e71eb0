"""Every partition key that production code writes has a line in the families, and lines are told apart."""

import ast
from pathlib import Path

import pytest

from infra.data.families import FAMILIES, Erasing, family_of, pattern_of

ROOT = Path(__file__).parents[3]
PLATFORM = "plt_" + "0" * 32


def heads() -> set[tuple[str, str]]:
    """What each partition key written in the code begins with, up to its first variable part, and where."""
    found = set()
    for package in ("shared", "platform_api", "tenant_api", "oauth_bridge"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Dict):
                    found |= {(head, str(path.relative_to(ROOT))) for head in _partition(node)}
    return found


def _partition(node: ast.Dict) -> set[str]:
    found = set()
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == "pk":
            first = value.values[0] if isinstance(value, ast.JoinedStr) else value
            if isinstance(first, ast.Constant):
                found.add(str(first.value))
    return found - {"ready", "no such item"}  # never written, only asked for


def test_every_partition_key_in_the_code_has_a_family() -> None:
    found = heads()
    assert len(found) > 8
    known = [family.pk.partition("{")[0] for family in FAMILIES]
    unknown = [
        (head, path)
        for head, path in sorted(found)
        if not any(one.startswith(head) or head.startswith(one) for one in known)
    ]
    assert unknown == []


@pytest.mark.parametrize(
    ("table", "pk", "sk", "facts"),
    [
        ("tenant-usage", f"usage:{PLATFORM}:a:b\nc", "usage", {"platformId": PLATFORM, "userId": "a:b\nc"}),
        (
            "tenant-usage",
            f"idempotency:usage:{PLATFORM}:a:b:0f",
            "idempotency",
            {"platformId": PLATFORM, "userId": "a:b", "hash": "0f"},
        ),
        ("tenant-tokens", "billing:a", f"{PLATFORM}:a:b", {"digit": "a", "platformId": PLATFORM, "userId": "a:b"}),
        ("platform-tokens", "billing:a", "user_1", {"digit": "a", "userId": "user_1"}),
        (
            "tenant-usage",
            f"rank:{PLATFORM}:2026-11",
            "998#a#b",
            {"platformId": PLATFORM, "month": "2026-11", "step": "998", "userId": "a#b"},
        ),
    ],
)
def test_a_key_tells_whose_it_is_whatever_users_are_called(table: str, pk: str, sk: str, facts: dict[str, str]) -> None:
    found = family_of(table, {"pk": pk, "sk": sk})
    assert found is not None
    assert found[1] == facts


def test_a_key_of_another_table_is_none() -> None:
    assert family_of("platform-usage", {"pk": f"users:{PLATFORM}", "sk": "alice"}) is None
    assert pattern_of("usage:{platformId}:{userId}").fullmatch("usage:plt_short:alice") is None


def test_nothing_that_names_a_user_in_its_key_is_kept() -> None:
    for family in FAMILIES:
        if family.erasing is Erasing.KEEP:
            assert "userId" not in family.pk + family.sk
            assert not {"subject", "userId"} & set(family.takes)

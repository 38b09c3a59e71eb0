"""An export holds all of a platform and nothing of another's; what is brought back is what was there."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.data.exporting import exported, imported
from infra.data.store import Store
from infra.deploy.environment import Unusable
from tests.infra.data.conftest import DEVELOPER, NOW, OTHER, PLATFORM, everything, of_platform

pytestmark = pytest.mark.store

INSTANT = datetime.fromtimestamp(NOW, UTC)
STAYS = {
    "platform-usage webhook:stripe:evt_a",
    "platform-tokens outbox:2026-11-25",
}  # nobody's, and this installation's


def test_an_export_is_all_of_a_platform_and_nothing_of_another(busy: Store) -> None:
    lines = list(exported(busy, PLATFORM, INSTANT))
    found = {f"{one['table']} {one['item']['pk']['S']}" for one in map(json.loads, lines[1:-1])}
    assert found == {f"{table} {item['pk']}" for table, item in of_platform(PLATFORM, DEVELOPER, "a")} - STAYS
    assert OTHER not in "".join(lines)
    assert json.loads(lines[-1]) == {"items": len(lines) - 2}


def test_a_round_trip_through_an_empty_store_changes_nothing(busy: Store) -> None:
    before = everything(busy)
    lines = list(exported(busy, PLATFORM, INSTANT))
    for line in lines[1:-1]:
        one = json.loads(line)
        busy.delete(one["table"], {name: one["item"][name]["S"] for name in ("pk", "sk")})
    assert len(everything(busy)) == len(before) - (len(lines) - 2)
    assert imported(busy, lines) == (len(lines) - 2, 0)
    assert everything(busy) == before
    assert imported(busy, lines) == (0, len(lines) - 2)


def test_keys_are_brought_in_last(busy: Store) -> None:
    written: list[str] = []

    class Order(Store):
        def put_new(self, table: str, item: Mapping[str, Any]) -> bool:
            written.append(str(item["sk"]))
            return super().put_new(table, item)

    lines = list(exported(busy, PLATFORM, INSTANT))
    for line in lines[1:-1]:
        one = json.loads(line)
        busy.delete(one["table"], {name: one["item"][name]["S"] for name in ("pk", "sk")})
    imported(Order(busy._client, busy._prefix), lines)
    assert written[-2:] == ["apikey", "apikey"]
    assert "apikey" not in written[:-2]


def test_what_stands_there_and_differs_is_not_touched(busy: Store) -> None:
    lines = list(exported(busy, PLATFORM, INSTANT))
    key = {"pk": f"usage:{PLATFORM}:alice", "sk": "usage"}
    busy.put("tenant-usage", key | {"usageCount": 4})
    busy.delete("tenant-tokens", {"pk": f"subscribers:{PLATFORM}", "sk": "pay:er"})
    before = everything(busy)
    with pytest.raises(Unusable, match=r"1 items stand here already and differ; nothing was written:\n  tenant-usage"):
        imported(busy, lines)
    assert everything(busy) == before


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "no export"),
        (["{]"], "no export"),
        (['{"format": "dream-api platform 1"}', '{"items": 1}'], "cut short"),
        (
            [
                '{"format": "dream-api platform 1"}',
                '{"table": "tenant-usage", "item": {"pk": {"S": "new:x"}, "sk": {"S": "x"}}}',
                '{"items": 1}',
            ],
            "no item that this version knows",
        ),
    ],
)
def test_a_file_that_can_not_be_whole_is_refused(store: Store, lines: list[str], told: str) -> None:
    with pytest.raises(Unusable, match=told):
        imported(store, lines)


def test_what_is_not_there_is_told(store: Store) -> None:
    with pytest.raises(Unusable, match="nothing of plt_"):
        list(exported(store, PLATFORM, INSTANT))
    with pytest.raises(Unusable, match="32 hex digits"):
        list(exported(store, "plt_x", INSTANT))


def test_items_whose_time_is_over_stay_behind(busy: Store) -> None:
    busy.put("tenant-usage", {"pk": f"usage:{PLATFORM}:old", "sk": "usage", "expiresAt": NOW})
    assert "usage:" + PLATFORM + ":old" not in "".join(exported(busy, PLATFORM, INSTANT))

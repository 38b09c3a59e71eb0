"""Erasing removes every trace of a person, keeps what accounting needs, spares everybody else, and may be repeated."""

import json
from datetime import UTC, datetime

import pytest

from infra.data.erasing import Step, developer, done, end_user
from infra.data.store import Store
from infra.deploy.environment import Unusable
from tests.infra.data.conftest import DEVELOPER, NOW, OTHER, PAYER, PLATFORM, everything, of_platform

pytestmark = pytest.mark.store

INSTANT = datetime.fromtimestamp(NOW, UTC)
ACCOUNTING = ("tenant-tokens", "accounting:acct_a:cus_a", "billing")


def test_an_end_user_leaves_billing_ids_and_nothing_else(busy: Store) -> None:
    before = everything(busy)
    done(busy, end_user(busy, PLATFORM, PAYER, INSTANT))
    after = everything(busy)
    told = json.dumps([[*key, item] for key, item in after.items() if OTHER not in str(key) + str(item)], default=str)
    assert PAYER not in told
    kept = after[ACCOUNTING]
    assert (kept["subscriptionId"], kept["customerId"], kept["platformId"]) == ("sub_a", "cus_a", PLATFORM)
    assert kept["erasedAt"] == "2027-01-15T08:00:00Z"
    assert after.keys() - before.keys() == {ACCOUNTING}
    gone = before.keys() - after.keys()
    assert all(PAYER in pk + sk or "cus_a" in pk for _, pk, sk in gone)
    assert len(gone) == 8
    assert all(after[key] == before[key] for key in before.keys() - gone)


def test_every_customer_they_ever_were_is_known_to_be_erased(busy: Store) -> None:
    busy.put("platform-tokens", {"pk": "customer:own:cus_before", "sk": "customer", "subject": DEVELOPER})
    done(busy, developer(busy, DEVELOPER, None, INSTANT))
    kept = {key[1]: item for key, item in everything(busy).items() if key[1].startswith("accounting:own:")}
    assert set(kept) == {"accounting:own:cus_before", "accounting:own:cus_owna"}
    assert kept["accounting:own:cus_owna"]["status"] == "canceled"
    assert DEVELOPER not in str(kept)


def test_erasing_again_finds_nothing(busy: Store) -> None:
    done(busy, end_user(busy, PLATFORM, PAYER, INSTANT))
    assert end_user(busy, PLATFORM, PAYER, INSTANT) == []
    done(busy, developer(busy, DEVELOPER, None, INSTANT))
    assert developer(busy, DEVELOPER, None, INSTANT) == []
    assert developer(busy, None, PLATFORM, INSTANT) == []


def test_a_developer_goes_with_the_platform_and_its_end_users(busy: Store) -> None:
    done(busy, developer(busy, DEVELOPER, None, INSTANT))
    after = everything(busy)
    left = {key for key, item in after.items() if OTHER not in str(key) + str(item) and "b" * 9 not in str(key)}
    strangers = {(table, item["pk"], item["sk"]) for table, item in of_platform(OTHER, "user_other", "b")}
    assert left - strangers == {
        ACCOUNTING,
        ("platform-tokens", "accounting:own:cus_owna", "billing"),
        ("platform-usage", "webhook:stripe:evt_a", "event"),
        ("tenant-usage", "webhook:stripe:evt_ca", "event"),
        ("tenant-usage", f"revenue:{PLATFORM}", "2026-11#usd"),
    }
    assert strangers <= after.keys()
    assert not [item for key, item in after.items() if DEVELOPER in str(item) or "a@example.com" in str(item)]


def test_an_erasure_that_was_interrupted_anywhere_is_finished_by_the_next(busy: Store) -> None:
    steps = developer(busy, DEVELOPER, None, INSTANT)
    for count in range(1, len(steps)):
        done(busy, steps[count - 1 : count])
        rest = developer(busy, DEVELOPER, None, INSTANT)
        assert _keys(rest) == _keys(steps[count:]), count


def test_the_bridge_can_not_carry_a_key_over_once_more(busy: Store) -> None:
    order = [
        (step.one.table, step.one.item["pk"].partition(":")[0]) for step in developer(busy, DEVELOPER, None, INSTANT)
    ]
    truth = order.index(("platform-tokens", "platform"))
    assert all(index > truth for index, (table, _) in enumerate(order) if table.startswith("tenant"))
    assert order.index(("tenant-tokens", "apikey")) == min(
        i for i, (t, _) in enumerate(order) if t.startswith("tenant")
    )
    assert order[-1] == ("platform-tokens", "user")


@pytest.mark.parametrize("until", [None, NOW + 60])
def test_who_still_pays_is_not_erased(busy: Store, until: int | None) -> None:
    item = busy.get("tenant-tokens", {"pk": f"user:{PLATFORM}:{PAYER}", "sk": "billing"}) or {}
    busy.put("tenant-tokens", item | {"plan": "pro"} | ({} if until is None else {"paidUntil": until}))
    with pytest.raises(Unusable, match="sub_a on account acct_a, plan pro"):
        end_user(busy, PLATFORM, PAYER, INSTANT)
    with pytest.raises(Unusable, match="sub_a on account acct_a, plan pro"):
        developer(busy, DEVELOPER, None, INSTANT)


def test_a_plan_that_has_run_out_keeps_nobody(busy: Store) -> None:
    item = busy.get("tenant-tokens", {"pk": f"user:{PLATFORM}:{PAYER}", "sk": "billing"}) or {}
    busy.put("tenant-tokens", item | {"plan": "pro", "paidUntil": NOW})
    assert len(end_user(busy, PLATFORM, PAYER, INSTANT)) == 8


def test_an_end_user_who_has_a_developers_id_takes_nothing_of_the_developers_along(busy: Store) -> None:
    busy.put("tenant-usage", {"pk": f"usage:{PLATFORM}:{DEVELOPER}", "sk": "usage", "usageCount": 1})
    (step,) = end_user(busy, PLATFORM, DEVELOPER, INSTANT)
    assert step.told() == {
        "table": "tenant-usage",
        "key": f"usage:{PLATFORM}:{DEVELOPER} / usage",
        "does": "delete",
    }


def test_one_registered_by_mail_is_erased_by_the_platform(store: Store) -> None:
    for table, item in of_platform(PLATFORM, DEVELOPER, "a"):
        if table.startswith("tenant"):
            store.put(table, item)
    done(store, developer(store, None, PLATFORM, INSTANT))
    assert "a@example.com" not in str(everything(store))


def test_nobody_named_is_refused(store: Store) -> None:
    with pytest.raises(Unusable, match="Say whom"):
        end_user(store, PLATFORM, "", INSTANT)


def _keys(steps: list[Step]) -> list[dict[str, str]]:
    return [step.one.key for step in steps]

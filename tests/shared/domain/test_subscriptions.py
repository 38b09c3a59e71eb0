"""What a subscription is worth: every status, the grace, and which of several counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.subscriptions import GRACE, TABLE, Subscription, current, surplus

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TODAY = int(NOW.timestamp())

subscriptions = st.builds(
    Subscription,
    st.text("abc", min_size=1, max_size=3),
    st.just("cus_1"),
    st.sampled_from([*TABLE, "invented"]),
    st.just("price_1"),
    st.integers(TODAY - 10**7, TODAY),
    st.integers(TODAY - 10**6, TODAY),
    st.just(TODAY + 10**6),
)


def one(status: str, began: int = TODAY, created: int = TODAY, name: str = "sub_1") -> Subscription:
    return Subscription(name, "cus_1", status, "price_1", created, began, began + 10**6)


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "unpaid", "canceled", "paused", "invented"])
def test_gives_nothing(status: str) -> None:
    assert not one(status).pays(NOW)
    assert one(status).paid_until() == 0


@pytest.mark.parametrize("status", ["active", "trialing"])
def test_gives_its_plan_as_long_as_it_stands(status: str) -> None:
    assert one(status).pays(NOW + timedelta(days=1000))
    assert one(status).paid_until() is None


def test_past_due_gives_its_plan_until_the_grace_is_over() -> None:
    late = one("past_due")
    assert late.pays(NOW + GRACE - timedelta(seconds=1))
    assert not late.pays(NOW + GRACE)
    assert not late.pays(NOW, grace=timedelta(0))


def test_only_statuses_of_the_table_are_known() -> None:
    assert one("active").known_status
    assert not one("invented").known_status


def test_beside_one_that_gives_nothing_none_is_ended() -> None:
    unpaid, begun = one("unpaid", name="sub_1"), one("incomplete", created=TODAY + 1, name="sub_2")
    kept = current([unpaid, begun], NOW)
    assert kept == begun
    assert surplus([unpaid, begun], kept, NOW) == []


def test_beside_one_whose_grace_is_over_none_is_ended() -> None:
    unpaid, late = one("unpaid", name="sub_1"), one("past_due", created=TODAY + 1, name="sub_2")
    over = NOW + GRACE
    kept = current([unpaid, late], over)
    assert kept == late
    assert surplus([unpaid, late], kept, over) == []
    assert surplus([unpaid, late], kept, NOW) == [unpaid]
    assert surplus([unpaid, late], kept, NOW, grace=timedelta(0)) == []


def test_of_two_that_pay_the_newer_is_kept() -> None:
    older, newer, ended = one("active"), one("trialing", created=TODAY + 1, name="sub_2"), one("canceled", name="sub_3")
    kept = current([older, newer, ended], NOW)
    assert kept == newer
    assert surplus([older, newer, ended], kept, NOW) == [older]


@given(st.lists(subscriptions, max_size=6, unique_by=lambda each: each.id))
def test_whoever_pays_has_a_subscription_that_counts_and_keeps_no_second_one(bought: list[Subscription]) -> None:
    kept = current(bought, NOW)
    assert (kept is None) == (not bought)
    paying = [each for each in bought if each.pays(NOW)]
    if kept is not None and paying:
        assert kept.pays(NOW)
        assert kept.created == max(each.created for each in paying)
    for each in surplus(bought, kept, NOW):
        assert each.live
        assert kept is not None
        assert kept.pays(NOW)
        assert each.id != kept.id

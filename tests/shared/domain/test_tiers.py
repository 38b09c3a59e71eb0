"""Tiers: every fault is found and named by its field; names lead to tiers."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import NoTier, UnknownTier
from shared.domain.quota import UNLIMITED, Quota
from shared.domain.tiers import FREE, NAME, Price, Tier, TierConfig, problems

PRO = Tier("pro", "Pro", 1000, price=Price(1900, "usd", "month"), trial_days=14)

prices = st.builds(
    Price, st.integers(0, 99_999_999), st.sampled_from(["usd", "eur"]), st.sampled_from(["month", "year"])
)
tiers = st.builds(
    Tier,
    st.from_regex(NAME, fullmatch=True),
    st.text(min_size=1, max_size=20),
    st.integers(1, 10**12) | st.just(UNLIMITED),
    st.integers(1, 10**6),
    st.none() | prices,
    st.lists(st.text(min_size=1, max_size=20), max_size=5).map(tuple),
    st.booleans(),
    st.integers(0, 730),
)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Pro"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"display_name": " "}, "displayName"),
        ({"display_name": "x" * 61}, "displayName"),
        ({"limit": 0}, "limit"),
        ({"limit": -2}, "limit"),
        ({"limit": 10**12 + 1}, "limit"),
        ({"rate_per_minute": 0}, "rateLimitPerMinute"),
        ({"features": ("x",) * 21}, "features"),
        ({"features": ("",)}, "features"),
        ({"features": ("x" * 121,)}, "features"),
        ({"trial_days": -1}, "trialDays"),
        ({"trial_days": 731}, "trialDays"),
        ({"price": None}, "trialDays"),
        ({"price": Price(0, "usd", "month")}, "trialDays"),
        ({"price": Price(-1, "usd", "month")}, "price.amount"),
        ({"price": Price(10**8, "usd", "month")}, "price.amount"),
        ({"price": Price(100, "USD", "month")}, "price.currency"),
        ({"price": Price(100, "usd", "week")}, "price.interval"),
    ],
)
def test_a_fault_is_named_by_its_field(change: dict[str, object], field: str) -> None:
    changed: Any = change
    faulty = replace(PRO, **changed)
    assert f"tiers.1.{field}" in [where for where, _ in problems([FREE, faulty])]


def test_refuses_no_tiers_too_many_two_free_ones_and_a_name_twice() -> None:
    assert problems([])[0][0] == "tiers"
    assert problems([replace(PRO, name=f"t{index}") for index in range(21)])[0][0] == "tiers"
    assert problems([FREE, replace(FREE, name="gratis")]) == [
        ("tiers", "There is at most one free tier (a price of 0).")
    ]
    assert [where for where, _ in problems([FREE, PRO, PRO])] == ["tiers.2.name"]


def test_good_tiers_have_no_problems() -> None:
    assert problems([FREE, PRO, Tier("custom", "Custom", UNLIMITED, UNLIMITED)]) == []


@given(tiers)
def test_a_tier_is_read_back_as_it_was_stored(tier: Tier) -> None:
    assert Tier.from_json(tier.to_json()) == tier


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownTier) as refused:
        TierConfig((FREE, PRO)).named("Pro")
    assert refused.value.facts == {"knownTiers": ["free", "pro"]}


def test_no_name_is_the_free_tier_and_without_one_a_refusal() -> None:
    assert TierConfig((PRO, FREE)).named(None) == FREE
    with pytest.raises(NoTier):
        TierConfig((PRO,)).named(None)
    assert TierConfig((PRO,)).named("pro").quota == Quota("pro", 1000, 100)

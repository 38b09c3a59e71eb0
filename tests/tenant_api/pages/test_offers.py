"""How tiers and amounts read."""

import pytest

from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier
from tenant_api.pages.money import money
from tenant_api.pages.offers import Offer, offer


def read(price: Price | None, trial_days: int = 0, limit: int = 1000, rate: int = 60, *features: str) -> Offer:
    tier = Tier("pro", "Pro", limit, rate, price, features, trial_days=trial_days)
    return offer(tier, on_sale=True)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1900, "usd", "$19"),
        (1999, "usd", "$19.99"),
        (1905, "eur", "€19.05"),
        (99_999_999, "gbp", "£999,999.99"),
        (1900, "jpy", "¥1,900"),
        (1900, "chf", "19 CHF"),
        (1950, "chf", "19.50 CHF"),
        (12_500, "kwd", "12.500 KWD"),
        (0, "usd", "$0"),
        (19_000 / 12, "usd", "$15.83"),
    ],
)
def test_amounts_read_as_their_currency_has_them(amount: float, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_a_monthly_and_a_yearly_price_say_how_they_are_billed() -> None:
    month, year = read(Price(1900, "usd", "month")), read(Price(19_000, "usd", "year"))
    assert (month.price, month.per, month.billed) == ("$19", "per month", "Billed monthly.")
    assert (year.price, year.per, year.billed) == ("$190", "per year", "Billed yearly, $15.83 a month.")
    assert month.action == "Choose Pro"


def test_a_trial_is_named_before_the_price_begins() -> None:
    assert read(Price(1900, "usd", "month"), 14).billed == "14 days free, then monthly."
    assert read(Price(1900, "usd", "year"), 1).billed == "1 day free, then yearly."
    assert read(Price(1900, "usd", "month"), 14).action == "Start free trial"


def test_a_free_tier_and_one_without_a_price_cost_nothing_here() -> None:
    free, asked = read(Price(0, "usd", "month")), read(None)
    assert (free.kind, free.price, free.per, free.interval) == ("free", "$0", "", "")
    assert (asked.kind, asked.price, asked.per, asked.interval) == ("asked", "Custom", "", "")


def test_limits_are_the_first_lines_and_nothing_is_said_twice() -> None:
    told = read(None, 0, 1000, 1, "1,000 Calls a month", "Support")
    assert told.lines == ("1,000 calls a month", "1 call a minute", "Support")
    assert read(None, 0, UNLIMITED, UNLIMITED).lines == ("Unlimited calls", "No limit per minute")

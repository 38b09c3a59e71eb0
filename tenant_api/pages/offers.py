"""A tier as the pricing page words it: what it costs, how it is billed, what it allows, and what can be done. Pure.

Called by look.py. Nothing here is markup: the templates escape every word.
"""

from dataclasses import dataclass

from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier
from tenant_api.pages.money import money

_ADVERBS = {"month": "monthly", "year": "yearly"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One card. `kind` is `free`, `paid`, or `asked` for a tier that the platform itself grants."""

    name: str
    title: str
    kind: str
    price: str
    per: str
    billed: str
    lines: tuple[str, ...]
    popular: bool
    interval: str
    action: str
    on_sale: bool


def offer(tier: Tier, *, on_sale: bool) -> Offer:
    """The card of a tier. `on_sale` says whether it has a price at Stripe just now."""
    allowance = (_limit(tier.limit), _rate(tier.rate_per_minute))
    said = {line.casefold() for line in allowance}
    kind = "asked" if tier.price is None else "free" if tier.free else "paid"
    return Offer(
        name=tier.name,
        title=tier.display_name,
        kind=kind,
        price=_price(tier.price),
        per=f"per {tier.price.interval}" if tier.price is not None and kind == "paid" else "",
        billed=_billed(tier),
        # Developers often list the limit among the features; nobody needs to read it twice.
        lines=(*allowance, *(line for line in tier.features if line.casefold() not in said)),
        popular=tier.popular,
        interval=tier.price.interval if tier.price is not None and kind == "paid" else "",
        action=_action(tier, kind),
        on_sale=on_sale,
    )


def _price(price: Price | None) -> str:
    if price is None:
        return "Custom"
    return money(price.amount, price.currency)


def _billed(tier: Tier) -> str:
    """The line under the price: how often it is paid, and what comes first."""
    if tier.price is None:
        return "Ask us for it."
    if tier.free:
        return "No card needed."
    often = _ADVERBS[tier.price.interval]
    if tier.trial_days:
        return f"{tier.trial_days} {'day' if tier.trial_days == 1 else 'days'} free, then {often}."
    if tier.price.interval == "year":
        return f"Billed yearly, {money(tier.price.amount / 12, tier.price.currency)} a month."
    return f"Billed {often}."


def _limit(limit: int) -> str:
    if limit == UNLIMITED:
        return "Unlimited calls"
    return f"{limit:,} {_calls(limit)} a month"


def _rate(rate: int) -> str:
    return "No limit per minute" if rate == UNLIMITED else f"{rate:,} {_calls(rate)} a minute"


def _calls(number: int) -> str:
    return "call" if number == 1 else "calls"


def _action(tier: Tier, kind: str) -> str:
    if kind == "free":
        return "Start for free"
    if tier.trial_days:
        return "Start free trial"
    return f"Choose {tier.display_name}"

"""Tiers: what an end-user can be on, and the rules a list of them keeps.

Written by oauth_bridge (draft and publish), read by tenant_api. A tier with a price of 0 is the free tier: at most one,
and what an end-user without a plan gets. A tier without a price is not for sale: the developer's server grants it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.errors import NoTier, UnknownTier
from shared.domain.quota import UNLIMITED, Quota

DEFAULT_RATE_PER_MINUTE = 100
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
INTERVALS = ("month", "year")


@dataclass(frozen=True, slots=True)
class Price:
    """An integer amount in minor units of a currency, per month or year."""

    amount: int
    currency: str
    interval: str

    @property
    def free(self) -> bool:
        return self.amount == 0


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier. `limit` is units a month (`-1` unlimited), `rate_per_minute` calls a minute."""

    name: str
    display_name: str
    limit: int
    rate_per_minute: int = DEFAULT_RATE_PER_MINUTE
    price: Price | None = None
    features: tuple[str, ...] = ()
    popular: bool = False
    trial_days: int = 0
    quota: Quota = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quota", Quota(self.name, self.limit, self.rate_per_minute))

    @property
    def free(self) -> bool:
        return self.price is not None and self.price.free

    def to_json(self) -> dict[str, Any]:
        """The documented JSON form, also the stored one."""
        price = None
        if self.price is not None:
            price = {"amount": self.price.amount, "currency": self.price.currency, "interval": self.price.interval}
        return {
            "name": self.name,
            "displayName": self.display_name,
            "limit": self.limit,
            "rateLimitPerMinute": self.rate_per_minute,
            "price": price,
            "features": list(self.features),
            "popular": self.popular,
            "trialDays": self.trial_days,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tier":
        """From the stored form; it was checked when it was written."""
        price = data.get("price")
        return cls(
            name=data["name"],
            display_name=data["displayName"],
            limit=int(data["limit"]),
            rate_per_minute=int(data["rateLimitPerMinute"]),
            price=None if price is None else Price(int(price["amount"]), price["currency"], price["interval"]),
            features=tuple(data.get("features", ())),
            popular=bool(data.get("popular", False)),
            trial_days=int(data.get("trialDays", 0)),
        )


FREE = Tier(name="free", display_name="Free", limit=100, price=Price(0, "usd", "month"))


@dataclass(frozen=True, slots=True)
class TierConfig:
    """What a platform has published. `version` 0 is the default that holds until the first publish."""

    tiers: tuple[Tier, ...] = (FREE,)
    version: int = 0
    _by_name: dict[str | None, Tier] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({tier.name: tier for tier in self.tiers})
        self._by_name.update((None, tier) for tier in reversed(self.tiers) if tier.free)

    def named(self, name: str | None) -> Tier:
        """The tier of that name, or the free tier where no name is given.

        Raises UnknownTier (400, lists the known names) and NoTier (403) where there is no free tier to fall back on.
        """
        tier = self._by_name.get(name)
        if tier is None and name is None:
            raise NoTier("This end-user has no tier and the platform has no free one; choose a tier first.")
        if tier is None:
            known = [tier.name for tier in self.tiers]
            listed = ", ".join(known)
            raise UnknownTier(f"There is no tier of that name; the known ones are: {listed}.", knownTiers=known)
        return tier


def problems(tiers: Sequence[Tier]) -> list[tuple[str, str]]:
    """What is wrong with a list of tiers, as (field path, sentence); empty when it may be published."""
    found: list[tuple[str, str]] = []
    if not 1 <= len(tiers) <= 20:
        found.append(("tiers", "A platform has 1 to 20 tiers."))
    names = [tier.name for tier in tiers]
    for index, tier in enumerate(tiers):
        if names.index(tier.name) != index:
            found.append((f"tiers.{index}.name", "Names are unique; this one is used twice."))
        found.extend((f"tiers.{index}.{where}", sentence) for where, sentence in _tier_problems(tier))
    if sum(tier.free for tier in tiers) > 1:
        found.append(("tiers", "There is at most one free tier (a price of 0)."))
    return found


def _tier_problems(tier: Tier) -> list[tuple[str, str]]:
    checks = [
        (NAME.fullmatch(tier.name), "name", "A name is 1 to 40 characters of a-z, 0-9, - and _."),
        (1 <= len(tier.display_name.strip()) <= 60, "displayName", "A display name has 1 to 60 characters."),
        (_whole(tier.limit, 1_000_000_000_000), "limit", "A limit is a whole number of at least 1, or -1: unlimited."),
        (
            _whole(tier.rate_per_minute, 1_000_000),
            "rateLimitPerMinute",
            "A rate limit is 1 to 1000000 calls a minute, or -1: unlimited.",
        ),
        (len(tier.features) <= 20, "features", "There are at most 20 features."),
        (all(1 <= len(text) <= 120 for text in tier.features), "features", "A feature has 1 to 120 characters."),
        (0 <= tier.trial_days <= 730, "trialDays", "A trial has 0 to 730 days."),
        (not (tier.trial_days and (tier.price is None or tier.free)), "trialDays", "Only a paid tier has a trial."),
    ]
    if tier.price is not None:
        price = tier.price
        checks += [
            (0 <= price.amount <= 99_999_999, "price.amount", "An amount is 0 to 99999999 in minor units."),
            (re.fullmatch("[a-z]{3}", price.currency), "price.currency", "A currency is three small letters."),
            (price.interval in INTERVALS, "price.interval", "An interval is month or year."),
        ]
    return [(where, sentence) for good, where, sentence in checks if not good]


def _whole(value: int, most: int) -> bool:
    return value == UNLIMITED or 1 <= value <= most

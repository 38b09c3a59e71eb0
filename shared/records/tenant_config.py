"""What tenant_api reads of a developer in tenant-tokens; written by the bridge, and by registration without a platform.

Items: `platform:{platformId}` / `credential` (version and hashes, the bridge's bookkeeping), `apikey:{hash}` /
`apikey` (which platform a key speaks for, and until when), `platform:{platformId}` / `tierConfig` (published tiers
and their Stripe prices), `platform:{platformId}` / `profile` (e-mail, created), `platform:{platformId}` / `stripe`
(connected account), `account:{acct}` / `account` (whose account it is: at most one platform's),
`platform:{platformId}` / `settings` (name, and pages that end-users may be returned to).

How the bridge publishes: one put of the tierConfig item, `tier_config_to_item(config, catalog)`, after the prices
exist on the connected account, with a higher version. The catalog names the price of every paid tier; a price that
was replaced goes to `retired`, and a tier that is taken off sale to `withdrawn`, because subscriptions run on.
How it connects: `stripe` and `account` in one transaction, `account` on condition that it is absent or names the
same platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.quota import Quota
from shared.domain.tiers import Tier, TierConfig


def api_key_key(key_hash: str) -> dict[str, str]:
    return {"pk": f"apikey:{key_hash}", "sk": "apikey"}


def credential_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "credential"}


def tier_config_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "tierConfig"}


def profile_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "profile"}


def settings_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "settings"}


def connection_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "stripe"}


def account_key(account_id: str) -> dict[str, str]:
    return {"pk": f"account:{account_id}", "sk": "account"}


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """What a developer has set for their platform.

    `name` is shown to end-users; `origins` are the pages they may be returned to, such as `https://app.example.com`.
    """

    name: str | None = None
    origins: tuple[str, ...] = ()

    def to_item(self) -> dict[str, Any]:
        return {"name": self.name, "origins": list(self.origins)}

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> "PlatformSettings":
        return cls() if item is None else cls(item.get("name"), tuple(item.get("origins", ())))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What a key's hash leads to. `valid_until` (Unix seconds, exclusive) is set on a key that was rotated away."""

    platform_id: str
    valid_until: int | None = None

    def to_item(self) -> dict[str, Any]:
        item: dict[str, Any] = {"platformId": self.platform_id}
        if self.valid_until is not None:
            # expiresAt lets the store delete it some day; valid_until is what is compared.
            item |= {"validUntil": self.valid_until, "expiresAt": self.valid_until}
        return item

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "ApiKey":
        return cls(item["platformId"], item.get("validUntil"))


@dataclass(frozen=True, slots=True)
class StripeConnection:
    """A platform's connected account. `connected_at` is Unix seconds; nothing is asked of one that is not connected."""

    account_id: str
    livemode: bool
    connected_at: int
    connected: bool = True

    def to_item(self) -> dict[str, Any]:
        status = "connected" if self.connected else "disconnected"
        known = {"accountId": self.account_id, "livemode": self.livemode, "connectedAt": self.connected_at}
        return known | {"status": status}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "StripeConnection":
        return cls(item["accountId"], item["livemode"], int(item["connectedAt"]), item["status"] == "connected")


@dataclass(frozen=True, slots=True)
class StripePrice:
    """What a tier is sold as on the connected account."""

    price_id: str
    product_id: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Published tiers as Stripe knows them: `prices` by tier name, and what running subscriptions still need.

    `account_id` is where the prices are. `retired` leads from a replaced price to its tier's name, `withdrawn` are
    tiers that are no longer sold, as they were last published.
    """

    account_id: str | None = None
    prices: Mapping[str, StripePrice] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)
    withdrawn: tuple[Tier, ...] = ()

    @property
    def sells(self) -> bool:
        """Whether anybody can have paid: without, there is no billing to look for."""
        return bool(self.prices or self.retired)

    def tier_of(self, price_id: str) -> str | None:
        """The name of the tier that a price buys; None for a price that is none of ours."""
        present = next((name for name, price in self.prices.items() if price.price_id == price_id), None)
        return present or self.retired.get(price_id)

    def to_item(self) -> dict[str, Any]:
        prices = {name: {"priceId": one.price_id, "productId": one.product_id} for name, one in self.prices.items()}
        withdrawn = [tier.to_json() for tier in self.withdrawn]
        sold = {"accountId": self.account_id, "prices": prices}
        return sold | {"retired": dict(self.retired), "withdrawn": withdrawn}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Catalog":
        prices = {name: StripePrice(one["priceId"], one["productId"]) for name, one in item.get("prices", {}).items()}
        withdrawn = tuple(Tier.from_json(tier) for tier in item.get("withdrawn", ()))
        return cls(item.get("accountId"), prices, dict(item.get("retired", {})), withdrawn)


@dataclass(frozen=True, slots=True)
class Published:
    """One tierConfig item: the tiers, and what they are sold as."""

    config: TierConfig = field(default_factory=TierConfig)
    catalog: Catalog = field(default_factory=Catalog)

    def bought(self, name: str) -> Quota | None:
        """What somebody who pays for a tier may use, published today or withdrawn; None for one never published."""
        tiers = (*self.config.tiers, *self.catalog.withdrawn)
        return next((tier.quota for tier in tiers if tier.name == name), None)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Published":
        return cls(tier_config_from_item(item), Catalog.from_item(item))


def tier_config_to_item(config: TierConfig, catalog: Catalog | None = None) -> dict[str, Any]:
    item = {"version": config.version, "tiers": [tier.to_json() for tier in config.tiers]}
    return item if catalog is None else item | catalog.to_item()


def tier_config_from_item(item: Mapping[str, Any]) -> TierConfig:
    return TierConfig(tuple(Tier.from_json(tier) for tier in item["tiers"]), item["version"])

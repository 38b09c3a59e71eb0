"""What tenant_api reads of a developer in tenant-tokens; written by the bridge, and by registration without a platform.

Items: `platform:{platformId}` / `credential` (version and hashes, the bridge's bookkeeping), `apikey:{hash}` /
`apikey` (which platform a key speaks for, and until when), `platform:{platformId}` / `tierConfig` (published tiers),
`platform:{platformId}` / `profile` (e-mail, created).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.tiers import Tier, TierConfig


def api_key_key(key_hash: str) -> dict[str, str]:
    return {"pk": f"apikey:{key_hash}", "sk": "apikey"}


def credential_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "credential"}


def tier_config_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "tierConfig"}


def profile_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "profile"}


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


def tier_config_to_item(config: TierConfig) -> dict[str, Any]:
    return {"version": config.version, "tiers": [tier.to_json() for tier in config.tiers]}


def tier_config_from_item(item: Mapping[str, Any]) -> TierConfig:
    return TierConfig(tuple(Tier.from_json(tier) for tier in item["tiers"]), item["version"])

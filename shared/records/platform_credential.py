"""A developer's credential on its way to the tenant side: platform_api writes it, the bridge reads it.

The key itself never crosses: only the hash that the tenant API looks calls up by. `version` rises with every change,
so that an older state can never overwrite a newer one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class PlatformCredential:
    """The state of one platform's key at one version.

    `key_hash` is None once revoked. `previous_hash` is the key before the last rotation, good until `previous_until`
    (Unix seconds, exclusive).
    """

    platform_id: str
    version: int
    key_hash: str | None
    previous_hash: str | None = None
    previous_until: int | None = None

    def to_item(self) -> dict[str, Any]:
        """The stored attributes; absent where there is nothing to say."""
        item: dict[str, Any] = {"platformId": self.platform_id, "version": self.version}
        optional = {
            "keyHash": self.key_hash,
            "previousHash": self.previous_hash,
            "previousUntil": self.previous_until,
        }
        item.update({name: value for name, value in optional.items() if value is not None})
        return item

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "PlatformCredential":
        return cls(
            platform_id=item["platformId"],
            version=item["version"],
            key_hash=item.get("keyHash"),
            previous_hash=item.get("previousHash"),
            previous_until=item.get("previousUntil"),
        )


# Keys of the items that the bridge reads. platform_api writes them; neither may know the other's code.

REGISTRY_SHARDS = 16


def credential_key(platform_id: str) -> dict[str, str]:
    """The credential's state, one item a platform."""
    return {"pk": f"platform:{platform_id}", "sk": "credential"}


def outbox_partition(day: str) -> str:
    """The changes of one UTC day (`YYYY-MM-DD`); sort keys are `<instant>#<platform id>#<version>`."""
    return f"outbox:{day}"


def outbox_instant(instant: datetime) -> str:
    """An instant as the outbox writes it: UTC with microseconds, of fixed width, so that text order is time order."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def outbox_sort(instant: str, platform_id: str, version: int) -> str:
    """`instant` is what `outbox_instant` answers."""
    return f"{instant}#{platform_id}#{version:08d}"


def registry_partition(platform_id: str) -> str:
    """Where a platform is listed for the full comparison: one of 16 partitions by the first digit of its id."""
    return f"registry:{platform_id.removeprefix('plt_')[:1]}"


def registry_partitions() -> tuple[str, ...]:
    return tuple(f"registry:{digit:x}" for digit in range(REGISTRY_SHARDS))

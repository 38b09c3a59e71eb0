"""Preview links of tier drafts: made by the bridge, read by tenant_api. Pure.

A token names the platform and its end, signed with a key of that platform alone, which is an item of tenant-tokens
(`platform:{platformId}` / `preview`). Revoking replaces the key, so that every link made before stops.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain import ids

KEY_BYTES = 32
LIFE_SECONDS = 24 * 3600
_MAX_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token says, believed only once its signature has been compared. `expires` is Unix seconds, exclusive."""

    platform_id: str
    expires: int
    signature: bytes


def preview_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "preview"}


def draft_key(platform_id: str) -> dict[str, str]:
    """The tier draft, which a preview shows."""
    return {"pk": f"platform:{platform_id}", "sk": "tierDraft"}


def key_to_item(key: bytes) -> dict[str, Any]:
    return {"key": key.hex()}


def key_from_item(item: Mapping[str, Any] | None) -> bytes | None:
    return None if item is None else bytes.fromhex(item["key"])


def token(key: bytes, platform_id: str, expires: int) -> str:
    """A token that `claimed` reads and `genuine` believes."""
    signature = base64.urlsafe_b64encode(_signature(key, platform_id, expires)).decode().rstrip("=")
    return f"{platform_id}.{expires}.{signature}"


def claimed(text: str) -> Claim | None:
    """What a token says; None for anything that can't be one."""
    parts = text.split(".")
    if len(text) > _MAX_CHARACTERS or len(parts) != 3 or not ids.is_platform_id(parts[0]):
        return None
    if not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) <= 12):
        return None
    try:
        signature = base64.b64decode(parts[2] + "=" * (-len(parts[2]) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return Claim(parts[0], int(parts[1]), signature)


def genuine(claim: Claim, key: bytes, now: float) -> bool:
    """Whether the platform's key has signed it and it is not over."""
    expected = _signature(key, claim.platform_id, claim.expires)
    return hmac.compare_digest(expected, claim.signature) and now < claim.expires


def _signature(key: bytes, platform_id: str, expires: int) -> bytes:
    return hmac.digest(key, f"preview:{platform_id}:{expires}".encode(), hashlib.sha256)

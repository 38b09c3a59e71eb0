"""Secret scanning: whether an alert is the scanner's own, by the keys it publishes. Called by platform_api.leaks.

The shape is that of GitHub's partner program: the signature is ECDSA on P-256 with SHA-256 over the body as it came,
by the key that a header names, out of a set at an address that is a setting.
"""

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.adapters.published_keys import PublishedKeys
from shared.domain.errors import Unauthenticated

# GitHub lets an address ask 60 times an hour; strangers who name unknown keys must not use that up.
REFETCH_SECONDS = 120
MAX_AGE_SECONDS = 3600
MOST_SIGNATURE_CHARACTERS = 200
_IDENTIFIER = re.compile(r"[\w-]{1,128}", re.ASCII)
_ALGORITHM = ec.ECDSA(SHA256())


class AlertVerifier:
    """Verifies alerts signed by one scanner."""

    def __init__(self, url: str, http: httpx.AsyncClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._keys = PublishedKeys(
            url,
            http,
            _read,
            "The scanner's public keys can't be read just now.",
            refetch_seconds=REFETCH_SECONDS,
            max_age_seconds=MAX_AGE_SECONDS,
            monotonic=monotonic,
        )

    async def verify(self, raw: bytes, identifier: str | None, signature: str | None) -> None:
        """Return for a good signature of the body; Unauthenticated for anything else, without saying more."""
        if identifier is None or signature is None or _IDENTIFIER.fullmatch(identifier) is None:
            raise _refused()
        if len(signature) > MOST_SIGNATURE_CHARACTERS:
            raise _refused()
        try:
            signed = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refused() from error
        key = await self._keys.key(identifier)
        if key is None:
            raise _refused()
        try:
            key.verify(signed, raw, _ALGORITHM)
        except InvalidSignature as error:
            raise _refused() from error

    async def close(self) -> None:
        await self._keys.close()


def _refused() -> Unauthenticated:
    return Unauthenticated("The alert is not signed by the scanner that is configured here.")


def _read(listed: Any) -> Mapping[str, ec.EllipticCurvePublicKey]:
    found = {}
    for one in listed["public_keys"]:
        key = _key(one["key"])
        if key is not None:
            found[str(one["key_identifier"])] = key
    return found


def _key(pem: str) -> ec.EllipticCurvePublicKey | None:
    """A key on P-256; None for another kind, which must not hide the others."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None

"""API keys: `pk_live_`, 43 base62 characters of 256 random bits, and a 6 character checksum.

The checksum drops typing errors and junk before any look-up; it is no security. What is stored for look-up is the
SHA-256 of the key: with 256 bits of chance in it, a slow hash would add nothing.
"""

import hashlib
import re
import zlib

PREFIX = "pk_live_"
RANDOM_BYTES = 32
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARACTERS = 43  # 62 ** 43 > 2 ** 256
_CHECKSUM_CHARACTERS = 6  # 62 ** 6 > 2 ** 32
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS}}}")


def api_key(random_bytes: bytes) -> str:
    """A new key from 32 random bytes."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError("a key is made of 32 random bytes")
    body = PREFIX + _base62(int.from_bytes(random_bytes), _RANDOM_CHARACTERS)
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Whether this can be a key of ours at all: shape and checksum, without a look-up."""
    if _SHAPE.fullmatch(key) is None:
        return False
    return _checksum(key[:-_CHECKSUM_CHARACTERS]) == key[-_CHECKSUM_CHARACTERS:]


def key_hash(key: str) -> str:
    """What is stored for look-up: the SHA-256 in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def last_four(key: str) -> str:
    """What may be shown and logged of a key."""
    return key[-4:]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_CHARACTERS)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))

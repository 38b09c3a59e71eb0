"""Platform ids and the end-user ids developers send us: their shapes, and nothing about where they are stored.

Used by every service; randomness is passed in.
"""

import re

from shared.domain.errors import BadRequest

PLATFORM_ID = re.compile(r"plt_[0-9a-f]{32}")
MAX_USER_ID_BYTES = 256
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")  # Unicode's categories Cc and Cs


def platform_id(random_bytes: bytes) -> str:
    """`plt_` and 32 hex digits from 16 random bytes."""
    if len(random_bytes) != 16:
        raise ValueError("a platform id is made of 16 random bytes")
    return "plt_" + random_bytes.hex()


def is_platform_id(value: str) -> bool:
    return PLATFORM_ID.fullmatch(value) is not None


def end_user_id(value: str | None) -> str:
    """The X-User-Id a developer's server sends, checked: 1 to 256 bytes of UTF-8 without control characters."""
    if not value:
        raise BadRequest("X-User-Id is missing; send the id of the end-user this call is made for.", header="X-User-Id")
    if len(value) > MAX_USER_ID_BYTES or len(value.encode("utf-8", "surrogatepass")) > MAX_USER_ID_BYTES:
        raise BadRequest(f"X-User-Id is longer than {MAX_USER_ID_BYTES} bytes; send a shorter id.", header="X-User-Id")
    if _CONTROL.search(value) is not None:
        raise BadRequest("X-User-Id has control characters; send printable text.", header="X-User-Id")
    return value

"""The machine's clock and chance, as values that deps.py passes on; tests pass their own."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
Chance = Callable[[int], bytes]


def utc_now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def random_bytes(count: int) -> bytes:
    """Bytes from the operating system's cryptographic source."""
    return secrets.token_bytes(count)

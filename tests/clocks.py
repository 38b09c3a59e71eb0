"""A clock that a test sets."""

from datetime import UTC, datetime, timedelta


class SetClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

    @classmethod
    def at(cls, text: str) -> "SetClock":
        """Set to an instant given as ISO text in UTC."""
        return cls(datetime.fromisoformat(text).replace(tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class Monotonic:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

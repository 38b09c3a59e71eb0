"""Failures ordered for coming API requests, in turn. `control` orders them, `api` takes the first that fits.

500 | 429 | any status   answered without the work (`executed` keeps it for the idempotency key, as a real 500 is)
"timeout"                no answer and no work, until the caller leaves or `seconds` are over
"slow"                   the work, begun `seconds` late
"lost_answer"            the work, then a broken connection
"""

from dataclasses import dataclass
from typing import Any, Literal

Outcome = int | Literal["timeout", "slow", "lost_answer"]
WORDS = ("timeout", "slow", "lost_answer")
DEFAULT_SECONDS = 30.0


@dataclass(slots=True)
class Fault:
    """`path` is the beginning of one; without a method or account any will do."""

    status: Outcome
    path: str = "/"
    method: str | None = None
    account: str | None = None
    times: int = 1
    seconds: float = DEFAULT_SECONDS
    executed: bool = False

    @classmethod
    def of(cls, given: dict[str, Any]) -> "Fault":
        """ValueError names what can't be."""
        unknown = set(given) - set(cls.__slots__)
        if unknown or "status" not in given:
            raise ValueError(f"a fault has {', '.join(cls.__slots__)}; of these only status is required")
        if given["status"] not in WORDS and not isinstance(given["status"], int):
            raise ValueError(f"the status of a fault is a number or one of {', '.join(WORDS)}")
        return cls(**given)

    def fits(self, method: str, path: str, account: str) -> bool:
        return path.startswith(self.path) and self.method in {None, method} and self.account in {None, account}


class Faults:
    def __init__(self) -> None:
        self._coming: list[Fault] = []

    def order(self, faults: list[Fault]) -> None:
        """Replaces what was ordered before; an empty list calls everything off."""
        self._coming = list(faults)

    def take(self, method: str, path: str, account: str) -> Fault | None:
        for fault in self._coming:
            if fault.fits(method, path, account):
                fault.times -= 1
                if fault.times <= 0:
                    self._coming.remove(fault)
                return fault
        return None

    def left(self) -> int:
        return sum(fault.times for fault in self._coming)

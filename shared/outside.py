"""What is asked of the systems outside (store, Stripe, Clerk), measured once and told everywhere it belongs.

Each request to one of them is a metric, a part of the log line of the request or worker pass it was made for, and a
span of that where traces are on. The adapters call `asking` (or `told`, where a call a microsecond counts);
shared.web.log and the bridge's worker `begin`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import NamedTuple

from msgspec import Struct, field

from shared import metrics
from shared.domain.errors import Unavailable

STORE, STRIPE, CLERK = "store", "stripe", "clerk"
SYSTEMS = (STORE, STRIPE, CLERK)
OK, REFUSED, FAILED = "ok", "refused", "failed"
MOST_CHILDREN = 128  # a pass over everything asks for more than anybody looks at


class Child(NamedTuple):
    """One request to a system outside; `began` by perf_counter."""

    system: str
    operation: str
    began: float
    seconds: float
    outcome: str


class Asked(Struct, eq=False):
    """What one request or pass has asked so far: calls and seconds by system; where it is traced, each of them."""

    children: list[Child] | None
    over: bool = False
    began: float = field(default_factory=perf_counter)
    sums: dict[str, tuple[int, float]] = field(default_factory=dict)

    def add(self, system: str, operation: str, began: float, outcome: str) -> None:
        seconds = perf_counter() - began
        if self.over:
            return
        before = self.sums.get(system)
        self.sums[system] = (1, seconds) if before is None else (before[0] + 1, before[1] + seconds)
        if self.children is not None and len(self.children) < MOST_CHILDREN:
            self.children.append(Child(system, operation, began, seconds, outcome))

    def facts(self) -> dict[str, int | float]:
        """For the log line, such as `storeCalls` and `storeMs`; of a system that was not asked, nothing."""
        found: dict[str, int | float] = {}
        for system, (calls, seconds) in self.sums.items():
            names = _NAMES[system]
            found[names[0]] = calls
            found[names[1]] = int(seconds * 100_000) / 100  # `round` costs as much as all the rest here
        return found

    def forget(self) -> None:
        """It is over and told. Whatever it has started may live long (a remembered look-up is a task) and holds it."""
        self.over, self.sums, self.children = True, _NOTHING, None


_NOTHING: dict[str, tuple[int, float]] = {}
_NAMES = {system: (f"{system}Calls", f"{system}Ms") for system in SYSTEMS}
_whose: ContextVar[Asked | None] = ContextVar("whose", default=None)


def begin(*, traced: bool = False) -> Asked:
    """From here on, what this task and those it starts ask is this one's."""
    asked = Asked([] if traced else None)
    follow(asked)
    return asked


def follow(asked: Asked) -> None:
    """The same for one that has begun already."""
    _whose.set(asked)


def for_many() -> None:
    """From here on, what this task asks is nobody's: it works for several requests, which say `waited` themselves."""
    _whose.set(None)


def measured(system: str, operation: str, began: float, outcome: str) -> None:
    """A request made for many has ended, that began at `began` (perf_counter): with OK, REFUSED (by it) or FAILED."""
    metrics.time_of(system, operation, outcome).observe(perf_counter() - began)


def told(system: str, operation: str, began: float, outcome: str) -> None:
    """The same of one that was made for this request or pass."""
    measured(system, operation, began, outcome)
    asked = _whose.get()
    if asked is not None:
        asked.add(system, operation, began, outcome)


def waited(system: str, operation: str, began: float, *, well: bool) -> None:
    """This request has waited for one that was made for it and others together, which is a metric already."""
    asked = _whose.get()
    if asked is not None:
        asked.add(system, operation, began, OK if well else FAILED)


@contextmanager
def asking(system: str, operation: str) -> Iterator[None]:
    """Around one request. What it raises says how it ended: Unavailable failed, anything else was refused."""
    began, outcome = perf_counter(), FAILED
    try:
        yield
        outcome = OK
    except Unavailable:
        raise
    except Exception:
        outcome = REFUSED
        raise
    finally:
        told(system, operation, began, outcome)

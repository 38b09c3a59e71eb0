"""A call that waits to be counted, and its answer: the values that pass between counter, lane and settlement."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from shared.domain.quota import Decision, Quota


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's Idempotency-Key (`key_hash`) and what it was sent with (`fingerprint`), both hex SHA-256."""

    key_hash: str
    fingerprint: str


class Counted(NamedTuple):
    """The answer to one call; `replayed` when it is the stored answer to an earlier call with the same key."""

    decision: Decision
    replayed: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """One call that waits. Its answer is a Counted, or the error it ends with; done early when its caller gave up."""

    quota: Quota
    units: int
    idempotency: Idempotency | None
    answer: asyncio.Future[Counted]

    @property
    def waits(self) -> bool:
        return not self.answer.done()

    def tell(self, counted: Counted) -> None:
        if not self.answer.done():
            self.answer.set_result(counted)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def tell_all(calls: Iterable[Call], decisions: Iterable[Decision]) -> None:
    """Answer calls with the decisions made for them, in order."""
    for call, decision in zip(calls, decisions, strict=True):
        call.tell(Counted(decision))

"""A call that waits to be counted, and its answer: the values that pass between counter, lane and settlement."""

import asyncio
from abc import ABCMeta, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct, StructMeta, field

from shared.domain.quota import Decision, Quota


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's Idempotency-Key (`key_hash`) and what it was sent with (`fingerprint`), both hex SHA-256."""

    key_hash: str
    fingerprint: str


class Counted(Struct, frozen=True, gc=False):
    """The answer to one call; `replayed` when it is the stored answer to an earlier call with the same key."""

    decision: Decision
    replayed: bool = False


class _Abstract(StructMeta, ABCMeta):
    """Of a struct that leaves methods to those made of it."""


class Call(Struct, metaclass=_Abstract, eq=False):
    """One call that waits to be told, once, how it ended. `waits` is also over when its caller gave up."""

    quota: Quota
    units: int
    idempotency: Idempotency | None = None
    waits: bool = True

    def tell(self, counted: Counted) -> None:
        if self.waits:
            self.waits = False
            self.answered(counted)

    def fail(self, error: Exception) -> None:
        if self.waits:
            self.waits = False
            self.failed(error)

    @abstractmethod
    def answered(self, counted: Counted) -> None:
        """Hand on the answer. Called by the lane, as `failed` is: neither may raise."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """Hand on the error it ends with."""


def _future() -> "asyncio.Future[Counted]":
    return asyncio.get_running_loop().create_future()


class AwaitedCall(Call, eq=False):
    """A call whose answer is a future."""

    answer: "asyncio.Future[Counted]" = field(default_factory=_future)

    def answered(self, counted: Counted) -> None:
        if not self.answer.done():
            self.answer.set_result(counted)

    def failed(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def tell_all(calls: Iterable[Call], decisions: Iterable[Decision]) -> None:
    """Answer calls with the decisions made for them, in order."""
    for call, decision in zip(calls, decisions, strict=True):
        call.tell(Counted(decision))

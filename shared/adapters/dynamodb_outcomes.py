"""How a request to DynamoDB can end, told apart by the one question that matters: may the write have happened?

Raised by every path to the store (the SDK, the small client, the batches) and handled by repositories and metering.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.adapters.values import Item, plain
from shared.domain.errors import Unavailable

_REFUSED_BEFORE_WORK = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class ConditionFailed(Exception):
    """The condition of a single write did not hold. `item` is what stands there, None when nothing does."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("the write's condition did not hold")
        self.item = item


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one part of a transaction stopped it: `None` where this part was fine."""

    code: str
    item: Item | None

    @property
    def condition_failed(self) -> bool:
        return self.code == "ConditionalCheckFailed"


class TransactionCancelled(Exception):
    """A transaction did not happen, none of it. `reasons` follow the order of its parts."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__("the transaction was cancelled")
        self.reasons = tuple(reasons)

    @property
    def conflict(self) -> bool:
        """Nothing but a collision with another write under way: the same transaction may be sent again."""
        return not any(reason.condition_failed for reason in self.reasons)


class NotApplied(Unavailable):
    """The store refused or never received the write: nothing happened."""


class OutcomeUnknown(Unavailable):
    """The answer was lost: the write may or may not have happened, or may yet happen."""


class Refused(Exception):
    """The store will not do this: a malformed request, a missing right. Our own fault: a 500, told in the log."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def not_applied() -> NotApplied:
    return NotApplied("The store did not answer in time; send the same request again.", retry_after_seconds=2)


def outcome_unknown() -> OutcomeUnknown:
    return OutcomeUnknown("The store did not answer in time; send the same request again.", retry_after_seconds=2)


def failure(status: int, code: str, body: Mapping[str, Any]) -> Exception:
    """What an error answer amounts to; `body` is the answer as DynamoDB writes it."""
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(plain(body.get("Item")))
    if code == "TransactionCanceledException":
        reasons: Sequence[Mapping[str, Any]] = body.get("CancellationReasons") or ()
        return TransactionCancelled([Reason(str(one.get("Code", "None")), plain(one.get("Item"))) for one in reasons])
    if code in _REFUSED_BEFORE_WORK:
        return not_applied()
    if status >= 500:
        return outcome_unknown()
    return Refused(code, str(body.get("message") or body.get("Message") or "no reason given"))

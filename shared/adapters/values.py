"""Plain Python values to DynamoDB's wire form and back: text, whole numbers, true and false, nothing, lists and maps.

That is all we store. Called by every path to the store; the SDK's own conversion does the same in many more steps.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

Item = dict[str, Any]
WireValue = dict[str, Any]


def to_wire(value: Any) -> WireValue:
    """One value in wire form; TypeError for what can't be stored."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is int:
        return {"N": str(value)}
    if isinstance(value, Mapping):
        return {"M": {name: to_wire(inner) for name, inner in value.items()}}
    return _rarer_to_wire(value)


def _rarer_to_wire(value: Any) -> WireValue:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, list | tuple):
        return {"L": [to_wire(inner) for inner in value]}
    if isinstance(value, str):
        return {"S": str(value)}
    raise TypeError(f"a {type(value).__name__} can't be stored")


def wire(values: Mapping[str, Any]) -> dict[str, WireValue]:
    return {name: to_wire(value) for name, value in values.items()}


def from_wire(value: Mapping[str, Any]) -> Any:
    """One value out of wire form; TypeError for a kind we never store."""
    ((kind, inner),) = value.items()
    if kind in {"S", "BOOL"}:
        return inner
    if kind == "N":
        return _whole(inner)
    if kind == "M":
        return {name: from_wire(one) for name, one in inner.items()}
    if kind == "L":
        return [from_wire(one) for one in inner]
    if kind == "NULL":
        return None
    raise TypeError(f"a value of kind {kind} was not stored by us")


class Answered(Mapping[str, Any]):
    """An item as the store answered it, `wired`, each value made plain when it is looked at: most never are."""

    __slots__ = ("wired",)

    def __init__(self, wired: Mapping[str, Any]) -> None:
        self.wired = wired

    def __getitem__(self, name: str) -> Any:
        ((kind, inner),) = self.wired[name].items()
        if kind == "S":
            return inner
        if kind == "M":
            return Answered(inner)
        return _whole(inner) if kind == "N" else from_wire({kind: inner})

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self.wired else default

    def __contains__(self, name: object) -> bool:
        return name in self.wired

    def __iter__(self) -> Iterator[str]:
        return iter(self.wired)

    def __len__(self) -> int:
        return len(self.wired)


def text_of(value: Any) -> str:
    """A text that may be in wire form still."""
    text: str = value if isinstance(value, str) else value["S"]
    return text


def plain(item: Mapping[str, Any] | None) -> Item | None:
    return None if item is None else {name: from_wire(value) for name, value in item.items()}


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        return int(Decimal(digits))

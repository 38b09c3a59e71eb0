"""One conditional write as a value, and the ways to say it: a request of its own, a part of a transaction, a statement.

Made by repositories and shared.metering, sent by shared.adapters.dynamodb. A statement (PartiQL) can share a request
with those of other items; what it can't say stays a request of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson
from msgspec import Struct

from shared.adapters.values import Item, WireValue, wire

Key = Mapping[str, str]
InOrder = Callable[[Mapping[str, WireValue]], Sequence[WireValue]]


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """The expressions of a write, without their values: the same object for every write that is worded alike.

    `names` fill the `#…` of the expressions. `brief`: a statement answers no more of the item than it changes.
    """

    update: str | None = None
    condition: str | None = None
    names: Mapping[str, str] | None = None
    brief: bool = False


class Write(Struct, frozen=True, gc=False):
    """One conditional write, alone or as a part of a transaction.

    `kind` is Put, Update, Delete or ConditionCheck; `values`, in wire form, fill the `:…` of the wording.
    """

    kind: str
    table: str
    wording: Wording
    key: Key | None = None
    item: Item | None = None
    values: Mapping[str, WireValue] | None = None

    def request(self) -> dict[str, Any]:
        """The members DynamoDB wants, the same alone and in a transaction."""
        wording = self.wording
        request: dict[str, Any] = {"TableName": self.table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if self.key is not None:
            request["Key"] = wire(self.key)
        if self.item is not None:
            request["Item"] = wire(self.item)
        if wording.update is not None:
            request["UpdateExpression"] = wording.update
        if wording.condition is not None:
            request["ConditionExpression"] = wording.condition
        if wording.names:
            request["ExpressionAttributeNames"] = dict(wording.names)
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        return request

    def statement(self) -> dict[str, Any] | None:
        """The same update as a PartiQL statement that answers the item as it then is; None where it can't be said.

        To be sent as it is: its text is JSON already.
        """
        key, values = self.key, self.values
        if self.kind != "Update" or key is None or values is None:
            return None
        said = _said(self.table, self.wording, tuple(key))
        if said is None:
            return None
        text, in_order = said
        given = dict(values)
        for name, part in key.items():
            given[name] = {"S": part}
        return {"Statement": text, "Parameters": in_order(given), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def put(
    table: str,
    item: Item,
    condition: str | None = None,
    *,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Write:
    return Write("Put", table, Wording(None, condition, names), item=item, values=_wired(values))


def update(
    table: str,
    key: Key,
    expression: str,
    condition: str | None = None,
    *,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Write:
    return worded(table, key, Wording(expression, condition, names), _wired(values))


def worded(table: str, key: Key, wording: Wording, values: Mapping[str, WireValue] | None = None) -> Write:
    """An update in words that are known already, its values in wire form."""
    return Write("Update", table, wording, key, None, values)


def delete(
    table: str,
    key: Key,
    condition: str | None = None,
    *,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Write:
    return Write("Delete", table, Wording(None, condition, names), key, values=_wired(values))


def check(
    table: str,
    key: Key,
    condition: str,
    *,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Write:
    return Write("ConditionCheck", table, Wording(None, condition, names), key, values=_wired(values))


def _wired(values: Mapping[str, Any] | None) -> dict[str, WireValue] | None:
    return None if values is None else wire(values)


class _CanNotSay(Exception):
    """A part of an expression that no statement says."""


_CLAUSE = re.compile(r"\b(SET|ADD|REMOVE|DELETE) ")
_PATH = r"[#\w]+(?:\.[#\w]+)*"
_SET = re.compile(rf"({_PATH}) = (:\w+)")
_SET_MORE = re.compile(rf"({_PATH}) = \1 \+ (:\w+)")
_ADD = re.compile(rf"({_PATH}) (:\w+)")
_COMPARED = re.compile(rf"({_PATH}) (=|<|<=|>|>=) (:\w+)")
_ABSENT = re.compile(rf"attribute_not_exists\(({_PATH})\)")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
_QUOTABLE = re.compile(r"[\w.:-]+")


@lru_cache(4096)
def _said(table: str, wording: Wording, key: tuple[str, ...]) -> tuple[orjson.Fragment, InOrder] | None:
    """The statement's text, and its parameters out of values and key; there are two at least."""
    try:
        paths = _Paths(wording.names or {})
        marks: list[str] = []
        sets, removes = [], []
        for word, action in _actions(wording.update or ""):
            if word == "REMOVE":
                removes.append(paths.quoted(action))
            else:
                sets.append(_set(word, action, paths, marks))
        wheres = [f'"{name}" = ?' for name in key]
        marks += key
        wheres += _conditions(wording.condition or "", paths, marks)
    except _CanNotSay:
        return None
    clauses = [f'UPDATE "{table}"']
    clauses += ["SET " + ", ".join(sets)] if sets else []
    clauses += ["REMOVE " + ", ".join(removes)] if removes else []
    answer = "MODIFIED" if wording.brief else "ALL"
    text = " ".join([*clauses, "WHERE", " AND ".join(wheres), f"RETURNING {answer} NEW *"])
    return orjson.Fragment(orjson.dumps(text)), itemgetter(*marks)


def _actions(expression: str) -> Iterator[tuple[str, str]]:
    parts = _CLAUSE.split(expression)
    if parts[0] or "DELETE" in parts[1::2]:
        raise _CanNotSay(expression)
    for word, body in zip(parts[1::2], parts[2::2], strict=True):
        for action in body.split(","):
            yield word, action.strip()


def _set(word: str, action: str, paths: "_Paths", marks: list[str]) -> str:
    found = _SET.fullmatch(action) if word == "SET" else None
    more = (_ADD if word == "ADD" else _SET_MORE).fullmatch(action)
    if found is not None:
        marks.append(found[2])
        return f"{paths.quoted(found[1])} = ?"
    if more is None:
        raise _CanNotSay(action)
    marks.append(more[2])
    return f"{paths.quoted(more[1])} = {paths.read(more[1])} + ?"


def _conditions(condition: str, paths: "_Paths", marks: list[str]) -> list[str]:
    """A statement never makes an item: it can only say what holds of one that is there."""
    said, of_an_item = [], False
    for part in condition.split(" AND "):
        compared, absent = _COMPARED.fullmatch(part), _ABSENT.fullmatch(part)
        if compared is not None:
            of_an_item = True
            marks.append(compared[3])
            said.append(f"{paths.quoted(compared[1])} {compared[2]} ?")
        elif absent is not None:
            said.append(f"{paths.quoted(absent[1])} IS MISSING")
        else:
            raise _CanNotSay(part)
    if not of_an_item:
        raise _CanNotSay(condition)
    return said


class _Paths:
    """Attribute paths as statements write them."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def quoted(self, path: str) -> str:
        return ".".join(f'"{name}"' for name in self._parts(path))

    def read(self, path: str) -> str:
        """As an operand: its first name stands bare, which every engine takes."""
        first, *rest = self._parts(path)
        if _PLAIN_NAME.fullmatch(first) is None:
            raise _CanNotSay(path)
        return ".".join([first, *(f'"{name}"' for name in rest)])

    def _parts(self, path: str) -> list[str]:
        parts = [self._names.get(part, part) for part in path.split(".")]
        if not all(_QUOTABLE.fullmatch(part) for part in parts):
            raise _CanNotSay(path)
        return parts

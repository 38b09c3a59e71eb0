"""What the bench's store understands: update and condition expressions and PartiQL updates, compiled once a text.

Called by infra.bench.store. Items are kept in DynamoDB's wire form. Anything outside this small grammar is refused,
never guessed at: a statement that ran as something else would make the exactness checks worthless.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Item = dict[str, Any]
Values = Any  # names to wire values for expressions, a list of them for statements
Step = Callable[[Item, Values], None]
Test = Callable[[Item, Values], bool]
Path = Sequence[str]

_STATEMENT = re.compile(
    r'UPDATE "(?P<table>[^"]+)"(?: SET (?P<sets>.+?))?(?: REMOVE (?P<removes>.+?))? WHERE (?P<where>.+?)'
    r"(?: RETURNING (?P<returning>ALL|MODIFIED) NEW \*)?"
)
_CLAUSES = re.compile(r"\b(SET|ADD|REMOVE)\b")
_COMPARED = re.compile(r"(?P<path>\S+) (?P<sign><=|<|=) (?P<value>\S+)")


class Unknown(Exception):
    """A text outside the grammar."""


class Compiled:
    """One update: its tests and its steps; `told` are the paths it answers, None for the whole item."""

    def __init__(self, tests: Sequence[Test], steps: Sequence[Step], told: Sequence[Path] | None = None) -> None:
        self._tests = tests
        self._steps = steps
        self._told = None if told is None else _outlined(told)

    def holds(self, item: Item, values: Values) -> bool:
        for test in self._tests:  # noqa: SIM110 - `all` takes three times as long
            if not test(item, values):
                return False
        return True

    def apply(self, item: Item, values: Values) -> None:
        for step in self._steps:
            step(item, values)

    def answer(self, item: Item) -> Item:
        """What is answered of an item that it has changed."""
        if self._told is None:
            return item
        found: Item = {}
        for name, inner in self._told.items():
            if name not in item:
                continue
            if inner:
                source = item[name]["M"]
                found[name] = {"M": {one: source[one] for one in inner if one in source}}
            else:
                found[name] = item[name]
        return found


def _outlined(told: Sequence[Path]) -> dict[str, list[str]]:
    """The names of an item that are answered, and of a map those inside it."""
    found: dict[str, list[str]] = {}
    for name, *inner in told:
        if len(inner) > 1:
            raise Unknown(".".join([name, *inner]))
        found.setdefault(name, []).extend(inner)
    return found


def expression(update: str, condition: str | None, names: Mapping[str, str]) -> Compiled:
    """An UpdateExpression and its ConditionExpression."""

    def path(text: str) -> Path:
        return [names.get(part, part) for part in text.strip().split(".")]

    parts = _CLAUSES.split(update)
    steps: list[Step] = []
    for word, body in zip(parts[1::2], parts[2::2], strict=True):
        steps += [_step(word, action, path, str) for action in _split(body)]
    tests = [_test(text, path, str) for text in (condition or "").split(" AND ") if text]
    return Compiled(tests, steps)


def statement(text: str) -> tuple[str, int, Compiled]:
    """A PartiQL update: its table, where in its parameters the key begins, and what it does."""
    found = _STATEMENT.fullmatch(text)
    if found is None:
        raise Unknown(text)
    taken = iter(range(text.count("?")))
    steps = [_step("SET", action, _quoted, lambda _mark: next(taken)) for action in _split(found["sets"] or "")]
    steps += [_step("REMOVE", action, _quoted, lambda _mark: next(taken)) for action in _split(found["removes"] or "")]
    key = next(taken)
    conditions = found["where"].split(" AND ")
    if conditions[:2] != ['"pk" = ?', '"sk" = ?']:
        raise Unknown(text)
    next(taken)
    tests = [_test(condition, _quoted, lambda _mark: next(taken)) for condition in conditions[2:]]
    told = [_quoted(action.partition(" = ")[0]) for action in _split(found["sets"] or "")]
    return found["table"], key, Compiled(tests, steps, told if found["returning"] == "MODIFIED" else None)


def _quoted(text: str) -> Path:
    return [part.strip('"') for part in text.strip().split(".")]


def _split(body: str) -> list[str]:
    """Actions between commas, without being misled by those inside brackets."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", body) if part.strip()]


def _step(word: str, action: str, path: Callable[[str], Path], value: Callable[[str], Any]) -> Step:
    if word == "REMOVE":
        return _remove(path(action))
    if word == "ADD":
        target, _, mark = action.partition(" ")
        return _add(path(target), path(target), value(mark), _missing_is_zero=True)
    target, _, right = action.partition(" = ")
    plus = re.fullmatch(r"(\S+) \+ (\S+)", right)
    if plus:
        return _add(path(target), path(plus[1]), value(plus[2]), _missing_is_zero=False)
    if not re.fullmatch(r":\w+|\?", right):
        raise Unknown(action)
    return _set(path(target), value(right))


def _set(path: Path, mark: Any) -> Step:
    *outer, last = path

    def step(item: Item, values: Values) -> None:
        for name in outer:
            item = item[name]["M"]
        item[last] = values[mark]

    return step


def _add(path: Path, source: Path, mark: Any, *, _missing_is_zero: bool) -> Step:
    *outer, last = path
    if list(path) != list(source):
        raise Unknown(".".join(source))

    def step(item: Item, values: Values) -> None:
        for name in outer:
            item = item[name]["M"]
        stored = item.get(last)
        if stored is None and not _missing_is_zero:
            raise Unknown(f"{last} is not there to be added to")
        item[last] = {"N": str((0 if stored is None else int(stored["N"])) + int(values[mark]["N"]))}

    return step


def _remove(path: Path) -> Step:
    *outer, last = path

    def step(item: Item, _values: Values) -> None:
        for name in outer:
            item = item[name]["M"]
        item.pop(last, None)

    return step


def _test(text: str, path: Callable[[str], Path], value: Callable[[str], Any]) -> Test:
    either = text.split(" OR ")
    if len(either) > 1:
        tests = [_test(one, path, value) for one in either]
        return lambda item, values: any(test(item, values) for test in tests)
    absent = re.fullmatch(r"attribute_not_exists\((\S+)\)|(\S+) IS MISSING", text.strip())
    if absent:
        missing = _at(path(absent[1] or absent[2]))
        return lambda item, _values: missing(item) is None
    there = re.fullmatch(r"attribute_exists\((\S+)\)", text.strip())
    if there:
        present = _at(path(there[1]))
        return lambda item, _values: present(item) is not None
    found = _COMPARED.fullmatch(text.strip())
    if found is None:
        raise Unknown(text)
    return _compare(_at(path(found["path"])), found["sign"], value(found["value"]))


def _compare(stored: Callable[[Item], Any], sign: str, mark: Any) -> Test:
    if sign == "=":
        return lambda item, values: stored(item) == values[mark]

    def test(item: Item, values: Values) -> bool:
        left, right = stored(item), values[mark]
        if left is None or left.keys() != right.keys():
            return False
        (one,), (other,) = left.values(), right.values()
        if "N" in left:
            one, other = int(one), int(other)
        return bool(one < other if sign == "<" else one <= other)

    return test


def _at(path: Path) -> Callable[[Item], dict[str, Any] | None]:
    """What stands at a path of an item, None where nothing does."""
    first, *rest = path
    if not rest:
        return lambda item: item.get(first)

    def at(item: Item) -> dict[str, Any] | None:
        value: dict[str, Any] | None = item.get(first)
        for name in rest:
            value = None if value is None else value["M"].get(name)
        return value

    return at

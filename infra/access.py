"""Which service may do which operation on which table: the one table of rights.

The sandbox's gate refuses by it and the deployed IAM roles are rendered from it. A right that is not listed does
not exist; Scan is granted to nobody.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.tables import PLATFORM_TOKENS, PLATFORM_USAGE, TENANT_TOKENS, TENANT_USAGE

Operations = frozenset[str]

READ: Operations = frozenset({"GetItem", "Query"})
WRITE: Operations = frozenset({"PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"})
READ_MANY: Operations = frozenset({"BatchGetItem"})
WRITE_MANY: Operations = frozenset({"BatchWriteItem"})
COUNT: Operations = frozenset({"PartiQLUpdate"})  # several usage items changed in one request, by one statement each

RIGHTS: Mapping[str, Mapping[str, Operations]] = {
    "platform_api": {
        PLATFORM_USAGE.name: READ | WRITE | COUNT,
        PLATFORM_TOKENS.name: READ | WRITE,
    },
    "tenant_api": {
        TENANT_USAGE.name: READ | WRITE | COUNT | READ_MANY | WRITE_MANY,
        TENANT_TOKENS.name: READ | WRITE | READ_MANY,
    },
    "oauth_bridge": {
        PLATFORM_TOKENS.name: READ,
        TENANT_TOKENS.name: READ | WRITE,
    },
}

_BATCHES = READ_MANY | WRITE_MANY
_TRANSACT_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_STATEMENT = re.compile(r'\s*(UPDATE|INSERT\s+INTO|DELETE\s+FROM|SELECT\s[^"]*\sFROM)\s+"([^"]+)"', re.IGNORECASE)
_STATEMENT_ACTIONS = {"U": "PartiQLUpdate", "I": "PartiQLInsert", "D": "PartiQLDelete", "S": "PartiQLSelect"}


def needed(operation: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The (table, operation) pairs one DynamoDB request needs; a transaction or batch needs those of its parts.

    An operation this file does not know is passed on as it is, so that it is refused for want of a right.
    """
    if operation in _BATCHES:
        yield from ((str(table), operation) for table in request.get("RequestItems", ()))
        return
    if operation == "BatchExecuteStatement":
        for one in request.get("Statements", ()):
            yield _needed_by_statement(str(one.get("Statement", "")))
        return
    if operation not in {"TransactWriteItems", "TransactGetItems"}:
        yield str(request.get("TableName", "")), operation
        return
    for part in request.get("TransactItems", ()):
        for name, action in part.items():
            yield str(action.get("TableName", "")), _TRANSACT_ACTIONS.get(name, name)


def _needed_by_statement(text: str) -> tuple[str, str]:
    """A statement that does not begin as one of the four that name their table in quotes has no right to anything."""
    found = _STATEMENT.match(text)
    return (
        ("", "a statement that can't be read") if found is None else (found[2], _STATEMENT_ACTIONS[found[1][0].upper()])
    )


def refusal(service: str, operation: str, request: Mapping[str, Any], prefix: str = "") -> str | None:
    """Why this service may not do this, as a sentence; None when it may."""
    rights = RIGHTS.get(service)
    if rights is None:
        return f"{service!r} is not a service this installation knows"
    pairs = list(needed(operation, request))
    if not pairs:
        return f"{operation} names no table"
    for table, action in pairs:
        bare = table.removeprefix(prefix) if table.startswith(prefix) else ""
        if action not in rights.get(bare, frozenset()):
            return f"{service} may not {action} on {table or 'a table it does not name'}"
    return None

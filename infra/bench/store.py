"""The items of the bench's store, in DynamoDB's wire form: each condition is really judged, requests and units counted.

Served by infra.bench.store_server; what its expressions mean is infra.bench.expressions'.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from infra.bench.expressions import Compiled, Unknown, expression, statement

Item = dict[str, Any]
ERROR = "com.amazonaws.dynamodb.v20120810#"
FAILED = "The conditional request failed"


class Refused(Exception):
    """An error of DynamoDB's: its code, and members beside it."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.body = {"__type": ERROR + code, "message": message, **members}


class Store:
    """Items by table, partition and sort key, and what was asked of them. `between` is done between statements."""

    def __init__(self, between: Callable[[], None]) -> None:
        self._between = between
        self.items: dict[tuple[str, str, str], Item] = {}
        self.requests: Counter[str] = Counter()
        self.statements = 0
        self.units = 0
        self._operations: dict[str, Callable[[dict[str, Any]], Any]] = {
            "GetItem": self._get,
            "PutItem": self._put,
            "DeleteItem": self._delete,
            "UpdateItem": self._update,
            "BatchWriteItem": self._write_many,
            "Query": self._query,
            "BatchExecuteStatement": self._batch,
        }

    def answer(self, operation: str, body: bytes) -> tuple[int, bytes]:
        self.requests[operation] += 1
        known = self._operations.get(operation)
        try:
            if known is None:
                raise Refused("UnknownOperationException", operation)
            return 200, orjson.dumps(known(orjson.loads(body)))
        except Refused as error:
            return 400, orjson.dumps(error.body)
        except Unknown as error:
            return 400, orjson.dumps(Refused("ValidationException", str(error)).body)

    def stats(self) -> dict[str, Any]:
        usage = {key[1]: item for key, item in self.items.items() if key[2] == "usage"}
        return {
            "requests": dict(self.requests),
            "statements": self.statements,
            "units": self.units,
            "counts": {subject: int(item["usageCount"]["N"]) for subject, item in usage.items()},
            "largest": max((_size(item) for item in usage.values()), default=0),
        }

    def forget(self) -> None:
        self.items = {key: item for key, item in self.items.items() if key[2] != "usage"}
        self.requests.clear()
        self.statements = self.units = 0

    def _get(self, asked: dict[str, Any]) -> dict[str, Any]:
        item = self.items.get(_key(asked["TableName"], asked["Key"]))
        return {} if item is None else {"Item": item}

    def _put(self, asked: dict[str, Any]) -> dict[str, Any]:
        key = _key(asked["TableName"], asked["Item"])
        self._judge(key, asked)
        self.items[key] = asked["Item"]
        return {}

    def _delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        key = _key(asked["TableName"], asked["Key"])
        self._judge(key, asked)
        gone = self.items.pop(key, None)
        return {} if gone is None else {"Attributes": gone}

    def _judge(self, key: tuple[str, str, str], asked: dict[str, Any]) -> None:
        names = asked.get("ExpressionAttributeNames") or {}
        compiled = _expression("", asked.get("ConditionExpression"), tuple(names.items()))
        if not compiled.holds(self.items.get(key, {}), asked.get("ExpressionAttributeValues") or {}):
            raise Refused("ConditionalCheckFailedException", FAILED, Item=self.items.get(key))

    def _write_many(self, asked: dict[str, Any]) -> dict[str, Any]:
        for table, writes in asked["RequestItems"].items():
            for write in writes:
                if "PutRequest" in write:
                    self.items[_key(table, write["PutRequest"]["Item"])] = write["PutRequest"]["Item"]
                else:
                    self.items.pop(_key(table, write["DeleteRequest"]["Key"]), None)
        return {"UnprocessedItems": {}}

    def _query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A partition from its beginning, which is all that is asked here."""
        onwards = asked.get("ScanIndexForward", True) and "ExclusiveStartKey" not in asked
        if asked["KeyConditionExpression"] != "pk = :pk" or not onwards:
            raise Refused("ValidationException", asked["KeyConditionExpression"])
        of = asked["TableName"], asked["ExpressionAttributeValues"][":pk"]["S"]
        keys = sorted(key for key in self.items if key[:2] == of)
        return {"Items": [self.items[key] for key in keys[: asked.get("Limit")]]}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        names = asked.get("ExpressionAttributeNames") or {}
        compiled = _expression(asked["UpdateExpression"], asked.get("ConditionExpression"), tuple(names.items()))
        key = _key(asked["TableName"], asked["Key"])
        changed = self._changed(key, compiled, asked.get("ExpressionAttributeValues") or {}, upsert=True)
        if changed is None:
            raise Refused("ConditionalCheckFailedException", FAILED, Item=self.items.get(key))
        return {"Attributes": changed}

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.statements += len(asked["Statements"])
        responses = []
        for one in asked["Statements"]:
            responses.append(self._statement(one))
            self._between()
        return {"Responses": responses}

    def _statement(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            table, place, compiled = _statement(asked["Statement"])
            values = asked["Parameters"]
            key = (table, values[place]["S"], values[place + 1]["S"])
            changed = self._changed(key, compiled, values, upsert=False)
        except Unknown as error:
            return {"Error": {"Code": "ValidationError", "Message": str(error)}}
        if changed is None:
            stands = {"Item": self.items[key]} if key in self.items else {}
            return {"Error": {"Code": "ConditionalCheckFailed", "Message": FAILED, **stands}, "TableName": table}
        return {"TableName": table, "Item": compiled.answer(changed)}

    def _changed(self, key: tuple[str, str, str], compiled: Compiled, values: Any, *, upsert: bool) -> Item | None:
        """The item after the update; None where its condition does not hold. Either way it costs a write unit."""
        self.units += 1
        item = self.items.get(key)
        if item is None:
            if not upsert or not compiled.holds({}, values):
                return None
            item = {"pk": {"S": key[1]}, "sk": {"S": key[2]}}
        elif not compiled.holds(item, values):
            return None
        compiled.apply(item, values)
        self.items[key] = item
        return item


def _key(table: str, key: Mapping[str, Any]) -> tuple[str, str, str]:
    return table, key["pk"]["S"], key["sk"]["S"]


def _size(item: Mapping[str, Any]) -> int:
    """What DynamoDB would count: names and text in bytes, about half a byte a digit, a little for each map."""
    total = 0
    for name, value in item.items():
        ((kind, inner),) = value.items()
        size = _size(inner) + 3 if kind == "M" else len(inner) // 2 + 1 if kind == "N" else len(str(inner).encode())
        total += len(name.encode()) + size
    return total


@lru_cache(4096)
def _expression(update: str, condition: str | None, names: tuple[tuple[str, str], ...]) -> Compiled:
    return expression(update, condition, dict(names))


@lru_cache(4096)
def _statement(text: str) -> tuple[str, int, Compiled]:
    return statement(text)

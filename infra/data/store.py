"""The four tables with an operator's rights: those of the running sandbox, or an environment's in AWS.

Called by every command here. Items are plain values; numbers are whole, as everything we store is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from infra.deploy.environment import FOLDER, Unusable, load
from infra.sandbox.layout import OPERATOR, REGION, STATE, Layout

Item = dict[str, Any]
_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


def to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """As DynamoDB takes it, and as an export file has it, since nothing is lost that way."""
    return {name: _serialize(value) for name, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> Item:
    return {name: _whole(_deserialize(value)) for name, value in item.items()}


class Store:
    """Some installation's tables, by their names without the prefix."""

    def __init__(self, client: Any, prefix: str = "") -> None:
        self._client = client
        self._prefix = prefix

    def get(self, table: str, key: Mapping[str, str]) -> Item | None:
        found = self._called("get_item", TableName=self._prefix + table, Key=to_wire(key), ConsistentRead=True)
        return from_wire(found["Item"]) if "Item" in found else None

    def query(self, table: str, pk: str) -> Iterator[Item]:
        condition = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": to_wire({":pk": pk})}
        return self._pages("query", table, condition)

    def scan(self, table: str) -> Iterator[Item]:
        """The whole table: an operator's right only, and it costs a read of everything."""
        return self._pages("scan", table, {})

    def put_new(self, table: str, item: Mapping[str, Any]) -> bool:
        """False when something stands there already."""
        try:
            self._client.put_item(
                TableName=self._prefix + table, Item=to_wire(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        self._called("put_item", TableName=self._prefix + table, Item=to_wire(item))

    def delete(self, table: str, key: Mapping[str, str]) -> None:
        self._called("delete_item", TableName=self._prefix + table, Key=to_wire(key))

    def swap(self, table: str, gone: Mapping[str, str], instead: Mapping[str, Any]) -> None:
        """Delete one item and put another, both or neither."""
        name = self._prefix + table
        parts: Sequence[dict[str, Any]] = [
            {"Delete": {"TableName": name, "Key": to_wire(gone)}},
            {"Put": {"TableName": name, "Item": to_wire(instead)}},
        ]
        self._called("transact_write_items", TransactItems=parts)

    def close(self) -> None:
        self._client.close()

    def _pages(self, operation: str, table: str, arguments: Mapping[str, Any]) -> Iterator[Item]:
        asked = {"TableName": self._prefix + table, "ConsistentRead": True, **arguments}
        while True:
            answer = self._called(operation, **asked)
            yield from (from_wire(item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _called(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise Unusable(f"The store does not do {operation}: {error}") from error
        return answer


def opened(environment: str | None, state: Path = STATE, folder: Path = FOLDER) -> Store:
    """An environment's tables in AWS, or without a name those of the sandbox that runs on a folder."""
    if environment is not None:
        region = load(environment, None, folder).region
        return Store(boto3.client("dynamodb", region_name=region), f"{environment}-")
    layout = Layout(state)
    if not layout.running.exists():
        raise Unusable("The sandbox is not running; start it with: make run   or name an environment: ENV=production")
    layout = Layout(state, json.loads(layout.running.read_text())["firstPort"])
    client = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=layout.url("gate"),
        aws_access_key_id=OPERATOR,
        aws_secret_access_key=layout.secrets().aws,
    )
    return Store(client)


def _whole(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return value

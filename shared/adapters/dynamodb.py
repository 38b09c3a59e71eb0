"""DynamoDB through boto3, for async code: the blocking client runs in a bounded thread pool here and nowhere else.

Repositories and shared.metering call it; items are plain Python values in and out. Writes are sent exactly once (no
hidden retry could count twice), so each failure says whether the write may have happened: `NotApplied` or
`OutcomeUnknown`. Reads are retried. Source: facts on DynamoDB retries in the decision record 0002.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from shared.adapters.values import plain, wire
from shared.domain.errors import Unavailable

Item = dict[str, Any]
Key = Mapping[str, str]

CONNECT_SECONDS = 0.7
READ_SECONDS = 1.5
DEADLINE_SECONDS = 2.5  # what a caller waits at most; a store that is down is a 503 within 3 seconds
THREADS = 32
MOST_READ_TOGETHER = 100
MOST_WRITTEN_TOGETHER = 25
UNPROCESSED_ATTEMPTS = 5
UNPROCESSED_PAUSE_SECONDS = 0.05

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


@dataclass(frozen=True, slots=True)
class Write:
    """One conditional write, alone or as a part of a transaction.

    `kind` is Put, Update, Delete or ConditionCheck; `names` and `values` fill the `#…` and `:…` of the expressions.
    """

    kind: str
    table: str
    key: Key | None = None
    item: Item | None = None
    update: str | None = None
    condition: str | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, Any] | None = None

    def request(self) -> dict[str, Any]:
        """The members DynamoDB wants, the same alone and in a transaction."""
        request: dict[str, Any] = {"TableName": self.table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if self.key is not None:
            request["Key"] = wire(self.key)
        if self.item is not None:
            request["Item"] = wire(self.item)
        if self.update is not None:
            request["UpdateExpression"] = self.update
        if self.condition is not None:
            request["ConditionExpression"] = self.condition
        if self.names:
            request["ExpressionAttributeNames"] = dict(self.names)
        if self.values:
            request["ExpressionAttributeValues"] = wire(self.values)
        return request


def put(table: str, item: Item, condition: str | None = None, **arguments: Any) -> Write:
    return Write("Put", table, item=item, condition=condition, **arguments)


def update(table: str, key: Key, expression: str, condition: str | None = None, **arguments: Any) -> Write:
    return Write("Update", table, key=key, update=expression, condition=condition, **arguments)


def delete(table: str, key: Key, condition: str | None = None, **arguments: Any) -> Write:
    return Write("Delete", table, key=key, condition=condition, **arguments)


def check(table: str, key: Key, condition: str, **arguments: Any) -> Write:
    return Write("ConditionCheck", table, key=key, condition=condition, **arguments)


class Dynamo:
    """One connection pool to the store. Built in deps.py, closed when the service stops."""

    def __init__(self, *, region: str, endpoint: str | None = None, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dynamodb")
        session = boto3.Session(region_name=region)

        def client(attempts: int) -> Any:
            config = Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                max_pool_connections=threads,
                tcp_keepalive=True,
            )
            return session.client("dynamodb", endpoint_url=endpoint, config=config)

        self._reader = client(2)
        self._writer = client(1)

    async def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._reader.close()
        self._writer.close()

    async def get(self, table: str, key: Key, *, consistent: bool = True) -> Item | None:
        """One item, None when absent. TTL deletion lags by days: the caller compares `expiresAt` itself."""
        answer = await self._call(
            lambda: self._reader.get_item(TableName=table, Key=wire(key), ConsistentRead=consistent)
        )
        return plain(answer.get("Item"))

    async def get_many(
        self, table: str, keys: Sequence[Key], *, consistent: bool = False, only: Sequence[str] = ()
    ) -> list[Item]:
        """The items under these keys that exist, in no order, a hundred a request; `only` these attributes of them."""
        how: dict[str, Any] = {"ConsistentRead": consistent}
        if only:
            names = {f"#{name}": name for name in only}
            how |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        chunks = [keys[start : start + MOST_READ_TOGETHER] for start in range(0, len(keys), MOST_READ_TOGETHER)]
        return [
            item
            for found in await asyncio.gather(*(self._get_chunk(table, one, how) for one in chunks))
            for item in found
        ]

    async def _get_chunk(self, table: str, keys: Sequence[Key], how: Mapping[str, Any]) -> list[Item]:
        asked: dict[str, Any] = {table: {"Keys": [wire(key) for key in keys], **how}}
        found: list[Item] = []
        for exponent in range(UNPROCESSED_ATTEMPTS):
            answer = await self._call(partial(self._reader.batch_get_item, RequestItems=asked))
            found.extend(plain(item) or {} for item in answer["Responses"].get(table, ()))
            asked = answer.get("UnprocessedKeys") or {}
            if not asked:
                return found
            await asyncio.sleep(UNPROCESSED_PAUSE_SECONDS * 2**exponent)
        raise _unavailable(NotApplied)

    async def query(
        self,
        table: str,
        partition: str,
        *,
        after: str | None = None,
        prefix: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
        consistent: bool = True,
    ) -> list[Item]:
        """The items of a partition in sort order (or backwards), at most `limit`.

        Only those whose sort key comes after `after` in that order, and begins with `prefix`.
        """
        arguments: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": "pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
            "ExpressionAttributeValues": wire({":pk": partition} | ({":prefix": prefix} if prefix else {})),
            "ConsistentRead": consistent,
            "ScanIndexForward": not backwards,
        }
        if after is not None:
            arguments["ExclusiveStartKey"] = wire({"pk": partition, "sk": after})
        found: list[Item] = []
        while True:
            if limit is not None:
                arguments["Limit"] = limit - len(found)
            answer = await self._call(lambda: self._reader.query(**arguments))
            items: list[Item] = answer["Items"]
            found.extend(plain(item) or {} for item in items)
            if "LastEvaluatedKey" not in answer or (limit is not None and len(found) >= limit):
                return found
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def write(self, write: Write) -> Item | None:
        """One write, sent once. An update answers the item as it now is; a delete the item as it was.

        Raises ConditionFailed, NotApplied or OutcomeUnknown.
        """
        request = write.request()
        if write.kind == "Update":
            request["ReturnValues"] = "ALL_NEW"
        elif write.kind == "Delete":
            request["ReturnValues"] = "ALL_OLD"
        operation = getattr(self._writer, f"{write.kind.lower()}_item")
        answer = await self._call(lambda: operation(**request))
        return plain(answer.get("Attributes"))

    async def write_many(self, writes: Sequence[Write]) -> None:
        """Puts and deletes without conditions, in any order, 25 a request. For hints: what fails is not tried again.

        Raises NotApplied or OutcomeUnknown.
        """
        for start in range(0, len(writes), MOST_WRITTEN_TOGETHER):
            asked: dict[str, Any] = {}
            for write in writes[start : start + MOST_WRITTEN_TOGETHER]:
                part = {"Item": wire(write.item)} if write.item is not None else {"Key": wire(write.key or {})}
                asked.setdefault(write.table, []).append({f"{write.kind}Request": part})
            await self._call(partial(self._writer.batch_write_item, RequestItems=asked))

    async def transact(self, writes: Sequence[Write]) -> None:
        """Several writes that all happen or all do not.

        Raises TransactionCancelled, NotApplied or OutcomeUnknown.
        """
        parts = [{write.kind: write.request()} for write in writes]
        await self._call(lambda: self._writer.transact_write_items(TransactItems=parts))

    async def _call(self, call: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await loop.run_in_executor(self._pool, call)
        except TimeoutError as error:
            raise _unavailable(OutcomeUnknown) from error
        except ClientError as error:
            raise _translated(error) from error
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise _unavailable(NotApplied) from error
        except BotoCoreError as error:
            raise _unavailable(OutcomeUnknown) from error


def _translated(error: ClientError) -> Exception:
    response: Mapping[str, Any] = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(plain(response.get("Item")))
    if code == "TransactionCanceledException":
        reasons: list[dict[str, Any]] = response.get("CancellationReasons", [])
        return TransactionCancelled([Reason(str(one.get("Code", "None")), plain(one.get("Item"))) for one in reasons])
    if code in _REFUSED_BEFORE_WORK:
        return _unavailable(NotApplied)
    if response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return _unavailable(OutcomeUnknown)
    return error  # our own fault (a malformed request, a missing right): a 500, told in the log


def _unavailable(kind: type[Unavailable]) -> Unavailable:
    return kind("The store did not answer in time; send the same request again.", retry_after_seconds=2)

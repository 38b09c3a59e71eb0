"""DynamoDB for async code. Repositories and shared.metering call it; items are plain Python values in and out.

Reads and single writes go through a small client (dynamodb_http), updates of different items together where asked
(dynamodb_batches); many puts at once and transactions through boto3, whose blocking client runs in a bounded thread
pool here and nowhere else. Writes are sent exactly once (no hidden retry could count twice), so each failure says
whether the write may have happened: `NotApplied` or `OutcomeUnknown`. Reads are retried. Why: decision records 0001
and 0009.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
import botocore.session
import orjson
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from shared import outside
from shared.adapters.dynamodb_batches import Awaits, Batches, Word
from shared.adapters.dynamodb_connection import READ_SECONDS
from shared.adapters.dynamodb_http import CONNECT_SECONDS, DynamoHttp, Ended
from shared.adapters.dynamodb_outcomes import (
    ConditionFailed,
    NotApplied,
    OutcomeUnknown,
    Reason,
    Refused,
    TransactionCancelled,
    failure,
    not_applied,
    outcome_unknown,
)
from shared.adapters.dynamodb_writes import Key, Wording, Write, check, delete, put, update, worded
from shared.adapters.values import Answered, Item, WireValue, plain, text_of, to_wire, wire

__all__ = [
    "Answered",
    "Awaits",
    "ConditionFailed",
    "Dynamo",
    "Item",
    "Key",
    "NotApplied",
    "OutcomeUnknown",
    "Reason",
    "Refused",
    "TransactionCancelled",
    "WireValue",
    "Wording",
    "Write",
    "check",
    "delete",
    "outcome_unknown",
    "put",
    "text_of",
    "to_wire",
    "update",
    "wire",
    "worded",
]

DEADLINE_SECONDS = 2.5  # what a caller waits at most; a store that is down is a 503 within 3 seconds
THREADS = 32
MOST_READ_TOGETHER = 100
MOST_WRITTEN_TOGETHER = 25
UNPROCESSED_ATTEMPTS = 5
UNPROCESSED_PAUSE_SECONDS = 0.05
_ANSWERED = {"Update": "ALL_NEW", "Delete": "ALL_OLD"}


class Dynamo:
    """One connection pool to the store. Built in deps.py, closed when the service stops."""

    def __init__(self, *, region: str, endpoint: str | None = None, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dynamodb")
        core = botocore.session.get_session()
        session = boto3.Session(region_name=region, botocore_session=core)
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=threads,
            tcp_keepalive=True,
        )
        self._writer: Any = session.client("dynamodb", endpoint_url=endpoint, config=config)
        self._writer.meta.events.register("before-parse.dynamodb", _refuse_nonsense)
        self._http = DynamoHttp(self._writer.meta.endpoint_url, region, core.get_credentials())
        self._batches = Batches(self._ask, self._post, self._written)

    async def rest(self) -> None:
        """Close the connections that are kept: they belong to the event loop, which may end before the store does."""
        await self._http.rest()

    async def close(self) -> None:
        await self._batches.close()
        await self._http.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._writer.close()

    async def get(self, table: str, key: Key, *, consistent: bool = True) -> Item | None:
        """One item, None when absent. TTL deletion lags by days: the caller compares `expiresAt` itself."""
        answer = await self._read("GetItem", {"TableName": table, "Key": wire(key), "ConsistentRead": consistent})
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
            answer = await self._read("BatchGetItem", {"RequestItems": asked})
            found.extend(plain(item) or {} for item in answer["Responses"].get(table, ()))
            asked = answer.get("UnprocessedKeys") or {}
            if not asked:
                return found
            await asyncio.sleep(UNPROCESSED_PAUSE_SECONDS * 2**exponent)
        raise not_applied()

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
            answer = await self._read("Query", arguments)
            items: list[Item] = answer["Items"]
            found.extend(plain(item) or {} for item in items)
            if "LastEvaluatedKey" not in answer or (limit is not None and len(found) >= limit):
                return found
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def write(self, write: Write) -> Item | None:
        """One write, sent once. An update answers the item as it now is; a delete the item as it was.

        Raises ConditionFailed, NotApplied or OutcomeUnknown.
        """
        return plain(await self._written(write))

    async def write_with_others(self, write: Write) -> Answered:
        """An update like any other, which may share its request with those of other items that wait now."""
        return await self._batches.write(write)

    def post_with_others(self, word: Word, awaits: Awaits) -> bool:
        """The same without a future and a task: whoever awaits it is told. False where it has to go alone."""
        return self._batches.post(word, awaits)

    async def _written(self, write: Write) -> Mapping[str, Any] | None:
        """The item in wire form."""
        request = write.request()
        if write.kind in _ANSWERED:
            request["ReturnValues"] = _ANSWERED[write.kind]
        answer = await self._ask(f"{write.kind}Item", request)
        return answer.get("Attributes")

    def shares_writes(self, table: str) -> bool:
        """Whether this store is known to take updates together; asked of it once two could have gone so."""
        return self._batches.able(table)

    async def write_many(self, writes: Sequence[Write]) -> None:
        """Puts and deletes without conditions, in any order, 25 a request. For hints: what fails is not tried again.

        Raises NotApplied or OutcomeUnknown.
        """
        for start in range(0, len(writes), MOST_WRITTEN_TOGETHER):
            asked: dict[str, Any] = {}
            for write in writes[start : start + MOST_WRITTEN_TOGETHER]:
                part = {"Item": wire(write.item)} if write.item is not None else {"Key": wire(write.key or {})}
                asked.setdefault(write.table, []).append({f"{write.kind}Request": part})
            await self._measured("BatchWriteItem", partial(self._writer.batch_write_item, RequestItems=asked))

    async def transact(self, writes: Sequence[Write]) -> None:
        """Several writes that all happen or all do not.

        Raises TransactionCancelled, NotApplied or OutcomeUnknown.
        """
        parts = [{write.kind: write.request()} for write in writes]
        await self._measured("TransactWriteItems", lambda: self._writer.transact_write_items(TransactItems=parts))

    async def _read(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """A read, sent again once where it failed."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                try:
                    return await self._ask(operation, request)
                except (NotApplied, OutcomeUnknown):
                    return await self._ask(operation, request)
        except TimeoutError as error:
            raise outcome_unknown() from error

    async def _ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return await self._http.call(operation, request)

    def _post(self, operation: str, request: dict[str, Any], ended: Ended) -> None:
        self._http.post(operation, request, ended)

    async def _measured(self, operation: str, call: Callable[[], Any]) -> Any:
        with outside.asking(outside.STORE, operation):
            return await self._call(call)

    async def _call(self, call: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await loop.run_in_executor(self._pool, call)
        except TimeoutError as error:
            raise outcome_unknown() from error
        except ClientError as error:
            raise _translated(error) from error
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise not_applied() from error
        except BotoCoreError as error:
            raise outcome_unknown() from error


def _refuse_nonsense(response_dict: Mapping[str, Any], **_more: Any) -> None:
    """What is no JSON came from something in between, or in part.

    Of a 200 the SDK would make a success that says nothing, of a 400 an error without a name. Those from 500 on are
    unknown outcomes as they are, and the SDK may ask again.
    """
    if response_dict["status_code"] < 500:
        try:
            answered = orjson.loads(response_dict["body"])
        except orjson.JSONDecodeError as error:
            raise outcome_unknown() from error
        if not isinstance(answered, dict):
            raise outcome_unknown()


def _translated(error: ClientError) -> Exception:
    response: Mapping[str, Any] = error.response
    told = response.get("Error", {})
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return failure(status, str(told.get("Code", "")), {"message": told.get("Message")} | dict(response))

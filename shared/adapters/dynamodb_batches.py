"""Updates of different items that wait at the same moment, sent together: up to 25 statements in one request.

Used by shared.adapters.dynamodb. Each keeps its own condition and its own outcome, as if it were alone. Nothing waits
for company: a lone update goes at once as a request of its own, and only behind requests under way do others gather.
Whether the store takes such statements is asked of the store, with one that can hold nowhere; where it does not, every
update is a request of its own.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from shared import outside
from shared.adapters.dynamodb_outcomes import ConditionFailed, Refused, not_applied, outcome_unknown
from shared.adapters.dynamodb_writes import Write, update
from shared.adapters.values import Answered, plain
from shared.domain.errors import Unavailable

logger = logging.getLogger("dream_api.store")

MOST_STATEMENTS = 25
ENOUGH = 14  # so many go without waiting for whoever is ready at this moment too
UNDER_WAY = ((1, 3), (ENOUGH, 6), (MOST_STATEMENTS, 24))  # so many statements go if fewer requests are under way
ASK_AGAIN_SECONDS = 60

_NOT_APPLIED = frozenset(
    {"ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError", "TransactionConflict"}
)

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]  # it may have sent before it is awaited
WireItem = Mapping[str, Any]
Single = Callable[[Write], Awaitable[WireItem | None]]


class Awaits(Protocol):
    """Who is told how an update ended, at once; who was told hears no more. Neither may raise."""

    def tell(self, item: WireItem, /) -> None:
        """It happened, and this is what stands there now, in wire form."""

    def fail(self, error: Exception, /) -> None:
        """As a write of its own would have raised."""


class _Waiting(Struct, frozen=True):
    """An update that waits, the statement that says it, and whom to tell."""

    write: Write
    statement: dict[str, Any]
    awaits: Awaits


class _Answer(Struct, frozen=True):
    """Tells a future."""

    future: "asyncio.Future[Answered]"

    def tell(self, item: WireItem, /) -> None:
        if not self.future.done():
            self.future.set_result(Answered(item))

    def fail(self, error: Exception, /) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Batches:
    """Gathers the updates of one store."""

    def __init__(self, call: Call, single: Single, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._call = call
        self._single = single
        self._ability = Ability(call, monotonic)
        self._waiting: deque[_Waiting] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._alone = 0
        self._woken = False

    async def write(self, write: Write) -> Answered:
        """The item as it then is. Raises as a write of its own would."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        if self.post(write, _Answer(answer)):
            return await answer
        if self._alone and write.statement() is not None:
            self._ability.ask(write.table)
        self._alone += 1
        try:
            return Answered(_told(await self._single(write)))
        finally:
            self._alone -= 1

    def post(self, write: Write, awaits: Awaits) -> bool:
        """Take an update along with others, if it can go so; False where it has to be a request of its own."""
        if not self._ability.of(write.table):
            return False
        statement = write.statement()
        if statement is None:
            return False
        self._waiting.append(_Waiting(write, statement, awaits))
        if len(self._waiting) >= ENOUGH and self._due():
            self._send(self._next_batch())  # while what is ready too is worked on, the store is at it
        elif not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._send_due)  # whoever is ready at this very moment comes along
        return True

    def able(self, table: str) -> bool:
        """Whether the store is known to take statements on a table."""
        return self._ability.of(table)

    async def close(self) -> None:
        await self._ability.close()
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _send_due(self) -> None:
        self._woken = False
        while self._waiting and self._due():
            self._send(self._next_batch())

    def _next_batch(self) -> list[_Waiting]:
        """In order, up to the first that is of an item which is in it already: a batch may hold no item twice."""
        batch: list[_Waiting] = []
        items: set[tuple[str, ...]] = set()
        while self._waiting and len(batch) < MOST_STATEMENTS:
            one = self._waiting[0].write
            item = (one.table, *(one.key or {}).values())
            if item in items:
                break
            items.add(item)
            batch.append(self._waiting.popleft())
        return batch

    def _due(self) -> bool:
        waiting, under_way = len(self._waiting), len(self._under_way)
        return any(waiting >= least and under_way < most for least, most in UNDER_WAY)

    def _send(self, batch: Sequence[_Waiting]) -> None:
        work = self._send_alone(batch[0]) if len(batch) == 1 else self._ended(batch, self._asked(batch))
        self._under_way.add(task := asyncio.create_task(work))
        task.add_done_callback(self._sent)

    def _asked(self, batch: Sequence[_Waiting]) -> Awaitable[dict[str, Any]]:
        """The batch's answer; the request is on its way."""
        try:
            return self._call("BatchExecuteStatement", {"Statements": [one.statement for one in batch]})
        except Exception as error:  # noqa: BLE001 - as if it had been raised later, where all of them are told
            return _raised(error)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._send_due()

    async def _ended(self, batch: Sequence[_Waiting], asked: Awaitable[dict[str, Any]]) -> None:
        outside.for_many()
        try:
            answer = await asked
        except Refused as refused:
            self._ability.lost(batch[0].write.table, str(refused))
            await asyncio.gather(*(self._send_alone(one) for one in batch))
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is true of each of them
            for one in batch:
                one.awaits.fail(error)
            return
        try:
            again = self._unsettled(batch, answer.get("Responses", ()))
        except Exception:
            logger.exception("a batch's answer is not understood")
            for one in batch:
                one.awaits.fail(outcome_unknown())  # who was told already does not hear it
            return
        if again:
            await asyncio.gather(*(self._send_alone(one) for one in again))

    def _unsettled(self, batch: Sequence[_Waiting], responses: Sequence[Mapping[str, Any]]) -> list[_Waiting]:
        """Tell each what the batch's answer says of it; answers those that have to be sent on their own."""
        if len(responses) != len(batch):
            responses = [{}] * len(batch)
        again = []
        for one, said in zip(batch, responses, strict=True):
            if said.get("Item") is not None and "Error" not in said:
                one.awaits.tell(said["Item"])
            elif not self._settled(one, said):
                again.append(one)
        return again

    def _settled(self, one: _Waiting, said: Mapping[str, Any]) -> bool:
        """Tell one what the batch's answer says of it, no item; False where it has to be sent on its own."""
        error = said.get("Error")
        if error is None:
            # It happened, but what stands there now is not told: the caller has to look.
            self._ability.lost(one.write.table, "the store does not answer what an update made of its item")
            one.awaits.fail(outcome_unknown())
            return True
        code = error.get("Code", "")
        if code == "ConditionalCheckFailed":
            item = plain(error.get("Item"))
            if item is None:
                return False  # nothing stands there, or the store does not tell: a request of its own does
            one.awaits.fail(ConditionFailed(item))
        elif code in _NOT_APPLIED:
            one.awaits.fail(not_applied())
        elif code == "InternalServerError":
            one.awaits.fail(outcome_unknown())
        else:
            self._ability.lost(one.write.table, f"{code}: {error.get('Message', '')}")
            return False
        return True

    async def _send_alone(self, one: _Waiting) -> None:
        outside.for_many()
        try:
            item = _told(await self._single(one.write))
        except Exception as error:  # noqa: BLE001 - handed on to who waits
            one.awaits.fail(error)
        else:
            one.awaits.tell(item)


async def _raised(error: Exception) -> dict[str, Any]:
    raise error


def _told(item: WireItem | None) -> WireItem:
    """What an update made of its item; where that is not told, whoever needs it has to look."""
    if item is None:
        raise outcome_unknown()
    return item


class Ability:
    """What is known of the store: whether it takes statements on a table."""

    def __init__(self, call: Call, monotonic: Callable[[], float]) -> None:
        self._call = call
        self._monotonic = monotonic
        self._known: dict[str, bool] = {}
        self._asked: dict[str, float] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def of(self, table: str) -> bool:
        """Whether updates there are known to go together."""
        return self._known.get(table, False)

    def ask(self, table: str) -> None:
        """Of the store, unless it has answered or was asked a moment ago: two updates could have gone together."""
        if table not in self._known and self._monotonic() >= self._asked.get(table, 0.0):
            self._asked[table] = self._monotonic() + ASK_AGAIN_SECONDS
            task = asyncio.create_task(self._ask(table))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def lost(self, table: str, why: str) -> None:
        """It was thought to, and does not: from now on each update is a request of its own."""
        self._known[table] = False
        logger.warning("writes are sent one by one", extra={"facts": {"table": table, "reason": why}})

    async def close(self) -> None:
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, table: str) -> None:
        """With a statement that has all ours have, of an item that is not there: one that understands it says so."""
        names = {"#a": "a", "#b": "b", "#c": "0c", "#d": "d"}
        asked = update(
            table,
            {"pk": "no such item", "sk": "no such item"},
            "SET #a = :a, #b.#c = #b.#c + :a ADD #d :a REMOVE #b.#a",
            "#a <= :a AND #b.#c = :a AND attribute_not_exists(#b.#b)",
            names=names,
            values={":a": 1},
        )
        try:
            answer = await self._call("BatchExecuteStatement", {"Statements": [asked.statement()]})
        except Refused as refused:
            self.lost(table, str(refused))
            return
        except Unavailable:
            return  # asked again in a while
        codes = [said.get("Error", {}).get("Code") for said in answer.get("Responses", ())]
        if codes == ["ConditionalCheckFailed"]:
            self._known[table] = True
        else:
            self.lost(table, f"statements are not understood: {codes}")

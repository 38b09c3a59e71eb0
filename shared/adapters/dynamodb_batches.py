"""Updates of different items that wait at the same moment, sent together: up to 25 statements in one request.

Used by shared.adapters.dynamodb. Each keeps its own condition and its own outcome, as if it were alone. Nothing waits
for company but for those who come at the same moment: a lone update goes as a request of its own, and only behind
requests under way do others gather.
Where the store takes no such statements (dynamodb_ability) every update is a request of its own.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import Any, Protocol

import orjson
from msgspec import Struct

from shared.adapters.dynamodb_ability import Ability, Call
from shared.adapters.dynamodb_http import Ended
from shared.adapters.dynamodb_outcomes import ConditionFailed, Refused, not_applied, outcome_unknown
from shared.adapters.dynamodb_writes import Write
from shared.adapters.values import Answered, plain

logger = logging.getLogger("dream_api.store")

MOST_STATEMENTS = 25
ENOUGH = 12  # so many go without waiting for whoever is ready at this moment too
SOME, FEW = 8, 2
UNDER_WAY = ((1, FEW), (SOME, 6), (MOST_STATEMENTS, 24))  # so many statements go if fewer requests are under way

_NOT_APPLIED = frozenset(
    {"ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError", "TransactionConflict"}
)

WireItem = Mapping[str, Any]
Post = Callable[[str, dict[str, Any], Ended], None]  # who is told is told after it has returned
Word = Callable[[], Write]
Single = Callable[[Write], Awaitable[WireItem | None]]


class Awaits(Protocol):
    """Who is told how an update ended, at once; who was told hears no more. Neither may raise."""

    def tell(self, item: WireItem, /) -> None:
        """It happened, and this is what stands there now, in wire form."""

    def fail(self, error: Exception, /) -> None:
        """As a write of its own would have raised."""


class _Waiting(Struct, frozen=True):
    """An update that waits: its table, how it is worded again, and whom to tell.

    Neither the write nor its statement is kept once it is sent: so long their memory serves others (decision 0009).
    """

    table: str
    word: Word
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

    def __init__(self, call: Call, post: Post, single: Single, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._post = post
        self._single = single
        self._ability = Ability(call, monotonic)
        self._waiting: deque[tuple[_Waiting, tuple[str, ...], orjson.Fragment]] = deque()  # with item and statement
        self._under_way = 0
        self._singles: set[asyncio.Task[None]] = set()
        self._rested: asyncio.Future[None] | None = None
        self._alone = 0
        self._woken = False
        self._seen_waiting = 0

    async def write(self, write: Write) -> Answered:
        """The item as it then is. Raises as a write of its own would."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        if self.post(lambda: write, _Answer(answer)):
            return await answer
        if self._alone and write.statement() is not None:
            self._ability.ask(write.table)
        self._alone += 1
        try:
            return Answered(_told(await self._single(write)))
        finally:
            self._alone -= 1

    def post(self, word: Word, awaits: Awaits) -> bool:
        """Take an update along with others, if it can go so; False where it has to be a request of its own.

        `word` makes it, here and once more where it has to go alone after all.
        """
        write = word()
        if not self._ability.of(write.table):
            return False
        statement = write.statement()
        if statement is None:
            return False
        item = (write.table, *(write.key or {}).values())
        said = orjson.Fragment(orjson.dumps(statement))
        self._waiting.append((_Waiting(write.table, word, awaits), item, said))
        if len(self._waiting) >= ENOUGH and self._due():
            self._send()  # while what is ready too is worked on, the store is at it
        elif not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._wake)
        return True

    def able(self, table: str) -> bool:
        """Whether the store is known to take statements on a table."""
        return self._ability.of(table)

    async def close(self) -> None:
        await self._ability.close()
        while self._under_way or self._waiting:
            self._rested = asyncio.get_running_loop().create_future()
            await self._rested

    def _wake(self) -> None:
        """Send what is due: whoever is ready at this very moment comes along.

        Behind a few requests, once a turn of the loop brings no more: callers who were answered together come back
        together, over some turns.
        """
        if self._under_way >= FEW and len(self._waiting) > self._seen_waiting:
            self._seen_waiting = len(self._waiting)
            asyncio.get_running_loop().call_soon(self._wake)
        else:
            self._woken = False
            self._send_due()

    def _send_due(self) -> None:
        while self._waiting and self._due():
            self._send()

    def _due(self) -> bool:
        waiting, under_way = len(self._waiting), self._under_way
        return any(waiting >= least and under_way < most for least, most in UNDER_WAY)

    def _send(self) -> None:
        """Those that wait, in order, up to the first whose item is among them already: a batch may hold none twice."""
        self._seen_waiting = 0
        self._under_way += 1
        batch: list[_Waiting] = []
        items: set[tuple[str, ...]] = set()
        statements: list[orjson.Fragment] = []
        while self._waiting and len(batch) < MOST_STATEMENTS and self._waiting[0][1] not in items:
            one, item, statement = self._waiting.popleft()
            items.add(item)
            batch.append(one)
            statements.append(statement)
        if len(batch) == 1:
            self._send_alone(batch).add_done_callback(self._over)
            return
        ended = partial(self._ended, batch)
        try:
            self._post("BatchExecuteStatement", {"Statements": statements}, ended)
        except Exception as error:  # noqa: BLE001 - whatever it is, all of them are told, and by nobody whom they call
            asyncio.get_running_loop().call_soon(ended, error)

    def _send_alone(self, some: Sequence[_Waiting]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(self._each_alone(some), context=Context())
        self._singles.add(task)
        task.add_done_callback(self._singles.discard)
        return task

    def _over(self, _single: object = None) -> None:
        """One request less is under way."""
        self._under_way -= 1
        self._send_due()
        if self._rested is not None and not self._rested.done():
            self._rested.set_result(None)

    def _ended(self, batch: Sequence[_Waiting], answer: dict[str, Any] | Exception) -> None:
        again: Sequence[_Waiting] = ()
        if isinstance(answer, Refused):
            self._ability.lost(batch[0].table, str(answer))
            again = batch
        elif isinstance(answer, Exception):
            for one in batch:
                one.awaits.fail(answer)
        else:
            again = self._settled(batch, answer)
        if again:
            self._send_alone(again).add_done_callback(self._over)
        else:
            self._over()

    def _settled(self, batch: Sequence[_Waiting], answer: Mapping[str, Any]) -> Sequence[_Waiting]:
        """Tell each what the answer says of it; those that have to be sent on their own."""
        try:
            return self._unsettled(batch, answer.get("Responses", ()))
        except Exception:
            logger.exception("a batch's answer is not understood")
            for one in batch:
                one.awaits.fail(outcome_unknown())  # who was told already does not hear it
            return ()

    def _unsettled(self, batch: Sequence[_Waiting], responses: Sequence[Mapping[str, Any]]) -> list[_Waiting]:
        """Tell each what the batch's answer says of it; answers those that have to be sent on their own."""
        if len(responses) != len(batch):
            responses = [{}] * len(batch)
        again = []
        for one, said in zip(batch, responses, strict=True):
            if said.get("Item") is not None and "Error" not in said:
                one.awaits.tell(said["Item"])
            elif not self._settled_one(one, said):
                again.append(one)
        return again

    def _settled_one(self, one: _Waiting, said: Mapping[str, Any]) -> bool:
        """Tell one what the batch's answer says of it, no item; False where it has to be sent on its own."""
        error = said.get("Error")
        if error is None:
            # It happened, but what stands there now is not told: the caller has to look.
            self._ability.lost(one.table, "the store does not answer what an update made of its item")
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
            self._ability.lost(one.table, f"{code}: {error.get('Message', '')}")
            return False
        return True

    async def _each_alone(self, some: Sequence[_Waiting]) -> None:
        await asyncio.gather(*map(self._alone_one, some))

    async def _alone_one(self, one: _Waiting) -> None:
        try:
            item = _told(await self._single(one.word()))
        except Exception as error:  # noqa: BLE001 - handed on to who waits
            one.awaits.fail(error)
        else:
            one.awaits.tell(item)


def _told(item: WireItem | None) -> WireItem:
    """What an update made of its item; where that is not told, whoever needs it has to look."""
    if item is None:
        raise outcome_unknown()
    return item

"""Updates that go together: each with its own outcome, whatever becomes of the batch, and alone where they must be."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from shared.adapters.dynamodb import (
    ConditionFailed,
    Dynamo,
    NotApplied,
    OutcomeUnknown,
    Refused,
    Write,
    put,
    update,
)
from shared.adapters.dynamodb_ability import ASK_AGAIN_SECONDS
from shared.adapters.dynamodb_batches import ENOUGH, FEW, MOST_STATEMENTS, SOME, UNDER_WAY, Batches
from shared.adapters.dynamodb_http import Ended
from shared.adapters.dynamodb_outcomes import not_applied, outcome_unknown
from tests.clocks import Monotonic

TABLE = "t"
FAILED = {"Error": {"Code": "ConditionalCheckFailed", "Message": "no"}}


def write(name: str, table: str = TABLE) -> Write:
    return update(table, {"pk": name, "sk": "s"}, "ADD n :one", "n <= :one", values={":one": 1})


def key_of(statement: Mapping[str, Any]) -> str:
    name: str = statement["Parameters"][1]["S"]
    return name


class Store:
    """Answers as it is told: `said` by key for statements, everything else with an item. It takes statements."""

    def __init__(self) -> None:
        self.said: dict[str, dict[str, Any]] = {}
        self.whole: Exception | None = None
        self.asked: list[str] | Exception = ["ConditionalCheckFailed"]
        self.short = False
        self.questions = 0
        self.batches: list[list[str]] = []
        self.alone: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        assert operation == "BatchExecuteStatement"
        statements = orjson.loads(orjson.dumps(request))["Statements"]
        if {"S": "no such item"} in statements[0]["Parameters"]:
            return self._question()
        self.batches.append([key_of(one) for one in statements])
        await self.go.wait()
        if self.whole is not None:
            raise self.whole
        if self.short:
            return {"Responses": []}
        items = [{"Item": {"pk": {"S": key_of(one)}, "n": {"N": "1"}}} for one in statements]
        return {"Responses": [self.said.get(key_of(one), item) for one, item in zip(statements, items, strict=True)]}

    def post(self, operation: str, request: dict[str, Any], ended: Ended) -> None:
        asyncio.create_task(self.call(operation, request)).add_done_callback(
            lambda task: ended(error if isinstance(error := task.exception(), Exception) else task.result())
        )

    async def single(self, one: Write) -> dict[str, Any] | None:
        self.alone.append((one.key or {})["pk"])
        await asyncio.sleep(0)
        await self.go.wait()
        return {"pk": {"S": (one.key or {})["pk"]}, "n": {"N": "1"}}

    def _question(self) -> dict[str, Any]:
        self.questions += 1
        if isinstance(self.asked, Exception):
            raise self.asked
        return {"Responses": [{"Error": {"Code": code, "Message": "told"}} for code in self.asked]}


async def ready(store: Store) -> Batches:
    """Batches that have asked the store already."""
    batches = Batches(store.call, store.post, store.single)
    await asyncio.gather(*(batches.write(write(f"first {index}")) for index in range(2)))
    await turns()
    assert len(store.alone) == 2
    store.alone.clear()
    return batches


async def outcomes(batches: Batches, *names: str) -> list[Any]:
    return await asyncio.gather(*(batches.write(write(name)) for name in names), return_exceptions=True)


async def test_updates_of_one_moment_share_a_request_and_a_lone_one_has_its_own() -> None:
    store = Store()
    batches = await ready(store)
    assert await outcomes(batches, "a", "b", "c") == [{"pk": name, "n": 1} for name in "abc"]
    assert await outcomes(batches, "d") == [{"pk": "d", "n": 1}]
    assert (store.batches, store.alone) == ([["a", "b", "c"]], ["d"])


async def test_behind_requests_those_who_come_turn_after_turn_of_the_loop_share_one() -> None:
    store = Store()
    batches = await ready(store)
    store.go.clear()
    waiting = []
    for index in range(FEW):
        waiting.append(asyncio.create_task(batches.write(write(f"first {index}"))))
        await turns()
    for name in range(SOME + 2):
        waiting.append(asyncio.create_task(batches.write(write(f"{name}"))))
        await asyncio.sleep(0)
    await turns()
    assert (len(store.alone), [len(batch) for batch in store.batches]) == (FEW, [SOME + 2])
    store.go.set()
    await asyncio.gather(*waiting)


async def test_each_statement_has_its_own_outcome() -> None:
    store = Store()
    batches = await ready(store)
    store.said = {
        "lost race": {"Error": {"Code": "ConditionalCheckFailed", "Item": {"n": {"N": "9"}}}},
        "gone": FAILED,
        "throttled": {"Error": {"Code": "ThrottlingError"}},
        "hot": {"Error": {"Code": "ProvisionedThroughputExceeded"}},
        "broken": {"Error": {"Code": "InternalServerError"}},
    }
    fine, lost, gone, *others = await outcomes(batches, "fine", "lost race", "gone", "throttled", "hot", "broken")
    assert fine == {"pk": "fine", "n": 1}
    assert isinstance(lost, ConditionFailed)
    assert lost.item == {"n": 9}
    assert gone == {"pk": "gone", "n": 1}
    assert [type(one) for one in others] == [NotApplied, NotApplied, OutcomeUnknown]
    assert store.alone == ["gone"]  # what stands there was not told


@pytest.mark.parametrize("error", [outcome_unknown(), not_applied(), RuntimeError("odd")])
async def test_what_becomes_of_the_whole_batch_is_true_of_each(error: Exception) -> None:
    store = Store()
    batches = await ready(store)
    store.whole = error
    assert await outcomes(batches, "a", "b") == [error, error]
    assert (len(store.batches), store.alone) == (1, [])


async def test_an_answer_with_the_wrong_number_of_outcomes_is_unknown_for_each() -> None:
    store = Store()
    batches = await ready(store)
    store.short = True
    found = await outcomes(batches, "a", "b")
    assert [type(one) for one in found] == [OutcomeUnknown, OutcomeUnknown]


async def test_an_answer_that_is_not_understood_is_unknown_for_each_that_was_not_told_before() -> None:
    store = Store()
    batches = await ready(store)
    store.said = {"b": {"Error": "odd"}}
    fine, *others = await outcomes(batches, "a", "b", "c")
    assert fine == {"pk": "a", "n": 1}
    assert [type(one) for one in others] == [OutcomeUnknown, OutcomeUnknown]


async def test_a_store_that_refuses_a_statement_gets_it_again_as_a_request_of_its_own() -> None:
    store = Store()
    batches = await ready(store)
    store.said = {"b": {"Error": {"Code": "ValidationError", "Message": "not like this"}}}
    assert await outcomes(batches, "a", "b") == [{"pk": "a", "n": 1}, {"pk": "b", "n": 1}]
    assert await outcomes(batches, "c", "d") == [{"pk": "c", "n": 1}, {"pk": "d", "n": 1}]
    assert (store.batches, store.alone) == ([["a", "b"]], ["b", "c", "d"])


async def test_a_store_that_refuses_the_batch_gets_each_as_a_request_of_its_own() -> None:
    store = Store()
    batches = await ready(store)
    store.whole = Refused("AccessDeniedException", "no")
    assert await outcomes(batches, "a", "b") == [{"pk": "a", "n": 1}, {"pk": "b", "n": 1}]
    store.whole = None
    await outcomes(batches, "c", "d")
    assert (store.batches, store.alone) == ([["a", "b"]], ["a", "b", "c", "d"])


async def test_a_store_that_does_not_tell_what_stands_now_is_unknown_once_and_not_asked_again() -> None:
    store = Store()
    batches = await ready(store)
    store.said = {"a": {"TableName": TABLE}}
    a, b = await outcomes(batches, "a", "b")
    assert isinstance(a, OutcomeUnknown)
    assert b == {"pk": "b", "n": 1}
    await outcomes(batches, "c", "d")
    assert (len(store.batches), store.alone) == (1, ["c", "d"])


@pytest.mark.parametrize(
    ("asked", "again"),
    [
        (["ValidationError"], False),
        ([], False),
        (Refused("UnknownOperationException", "what?"), False),
        (Refused("AccessDeniedException", "no"), False),
        (outcome_unknown(), True),
        (not_applied(), True),
    ],
)
async def test_a_store_that_takes_no_statements_gets_none(asked: list[str] | Exception, again: bool) -> None:
    store, clock = Store(), Monotonic()
    store.asked = asked
    batches = Batches(store.call, store.post, store.single, clock)
    for _ in range(3):
        await outcomes(batches, "a", "b")
        await turns()
    assert (store.batches, store.questions, len(store.alone)) == ([], 1, 6)
    clock.now += ASK_AGAIN_SECONDS
    await outcomes(batches, "a", "b")
    assert store.questions == (2 if again else 1)
    await batches.close()


async def test_a_store_nobody_shares_is_asked_nothing() -> None:
    store = Store()
    batches = Batches(store.call, store.post, store.single)
    for name in "abc":
        await batches.write(write(name))
    assert (store.questions, store.alone) == (0, ["a", "b", "c"])


async def test_others_gather_only_behind_requests_under_way_and_never_more_than_a_batch_holds() -> None:
    store = Store()
    batches = await ready(store)
    store.go.clear()
    (_, few), (least, some), _ = UNDER_WAY
    waiting: list[asyncio.Task[Any]] = []

    async def more(writes: int) -> list[int]:
        """Their sizes, of the batches that went out once there were so many more writes."""
        before = len(store.batches)
        named = range(len(waiting), len(waiting) + writes)
        waiting.extend(asyncio.create_task(batches.write(write(f"{index}"))) for index in named)
        await turns()
        return [len(batch) for batch in store.batches[before:]]

    for alone in range(few):
        assert (await more(1), len(store.alone)) == ([], alone + 1)
    assert await more(least - 1) == []
    for _ in range(few, some - 1):
        assert await more(ENOUGH) == [ENOUGH]
    assert await more(1) == [least]  # nobody else comes at this moment
    assert await more(1) == []
    assert await more(MOST_STATEMENTS - 1) == [MOST_STATEMENTS]  # a full one need not wait
    store.go.set()
    assert len(await asyncio.gather(*waiting)) == len(waiting)
    assert (len(store.alone), sum(map(len, store.batches))) == (few, len(waiting) - few)


async def test_each_of_a_batch_that_can_not_be_sent_is_told() -> None:
    store = Store()

    def post(_operation: str, _request: dict[str, Any], _ended: Ended) -> None:
        raise TypeError("no JSON")

    batches = Batches(store.call, post, store.single)
    await outcomes(batches, "a", "b")  # alone, and the store is asked
    await turns()
    assert [type(one) for one in await outcomes(batches, "a", "b", "c")] == [TypeError] * 3


async def test_no_batch_holds_an_item_twice() -> None:
    store = Store()
    batches = await ready(store)
    assert len(await outcomes(batches, "a", "b", "a", "c", "a")) == 5
    assert (store.batches, store.alone) == ([["a", "b"], ["a", "c"]], ["a"])


async def test_close_waits_for_what_is_under_way() -> None:
    store = Store()
    batches = await ready(store)
    store.go.clear()
    waiting = asyncio.gather(*(batches.write(write(name)) for name in "ab"))
    await turns()
    closing = asyncio.create_task(batches.close())
    await turns()
    assert not closing.done()
    store.go.set()
    await closing
    assert len(await waiting) == 2


async def test_what_no_statement_says_goes_alone() -> None:
    store = Store()
    batches = await ready(store)
    one = update(TABLE, {"pk": "new", "sk": "s"}, "ADD n :one", "attribute_not_exists(n)", values={":one": 1})
    await asyncio.gather(batches.write(one), batches.write(write("a")), batches.write(write("b")))
    assert (store.batches, store.alone) == ([["a", "b"]], ["new"])


@pytest.mark.store
async def test_the_native_engine_takes_statements(dynamo: Dynamo, prefix: str) -> None:
    table, names = prefix + "tenant-usage", ("a", "b")
    await asyncio.gather(*(dynamo.write(put(table, {"pk": name, "sk": "s", "n": 0})) for name in names))
    for turn in range(2):
        await asyncio.gather(*(dynamo.write_with_others(counting(table, name, turn)) for name in names))
        await asyncio.sleep(0.3)
    assert dynamo.shares_writes(table) == ("DYNAMODB_ENDPOINT" in os.environ)


@pytest.mark.store
async def test_on_a_real_engine_every_update_of_many_happens_exactly_once(dynamo: Dynamo, prefix: str) -> None:
    table, names = prefix + "tenant-usage", [f"user {index}" for index in range(10)]
    await asyncio.gather(*(dynamo.write(put(table, {"pk": name, "sk": "s", "n": 0})) for name in names))
    for turn in range(1, 4):
        writes = (counting(table, name, turn - 1) for name in names)
        found = await asyncio.gather(*(dynamo.write_with_others(one) for one in writes))
        assert [item["n"] for item in found] == [turn] * len(names)
        stale = (counting(table, name, turn - 1) for name in names)
        refused = await asyncio.gather(*(dynamo.write_with_others(one) for one in stale), return_exceptions=True)
        assert [one.item["n"] for one in refused if isinstance(one, ConditionFailed) and one.item] == [turn] * len(
            names
        )


def counting(table: str, name: str, seen: int) -> Write:
    return update(table, {"pk": name, "sk": "s"}, "ADD n :one", "n <= :seen", values={":one": 1, ":seen": seen})


async def turns() -> None:
    """Let whatever is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)

"""The store's adapter on a real engine, and against one that hangs, fails or refuses."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.adapters.dynamodb import (
    ConditionFailed,
    Dynamo,
    NotApplied,
    OutcomeUnknown,
    TransactionCancelled,
    check,
    delete,
    put,
    update,
)
from tests.conftest import REGION
from tests.faults import Fault, FaultyStore
from tests.serving import serving

pytestmark = pytest.mark.store

KEY = {"pk": "a", "sk": "b"}


@asynccontextmanager
async def faulty(endpoint: str, fault: Fault) -> AsyncIterator[tuple[FaultyStore, Dynamo]]:
    store = FaultyStore(endpoint)
    async with serving(store.app) as url:
        dynamo = Dynamo(region=REGION, endpoint=url)
        store.faults.append(fault)
        yield store, dynamo
        await dynamo.close()


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE])
async def test_a_write_that_may_have_happened_is_told_so_and_sent_once(
    endpoint: str, prefix: str, fault: Fault
) -> None:
    async with faulty(endpoint, fault) as (store, dynamo):
        with pytest.raises(OutcomeUnknown):
            await dynamo.write(update(prefix + "tenant-usage", KEY, "ADD n :one", values={":one": 1}))
        assert store.writes == 1
        item = await dynamo.get(prefix + "tenant-usage", KEY)
        assert (item or {}).get("n") == (1 if fault is Fault.ANSWER_LOST else None)


async def test_a_throttled_write_did_not_happen(endpoint: str, prefix: str) -> None:
    async with faulty(endpoint, Fault.THROTTLED) as (store, dynamo):
        with pytest.raises(NotApplied):
            await dynamo.write(put(prefix + "tenant-usage", {**KEY, "n": 1}))
        assert store.writes == 1


async def test_a_store_that_can_not_be_reached_did_not_write() -> None:
    dynamo = Dynamo(region=REGION, endpoint="http://127.0.0.1:9")
    with pytest.raises(NotApplied):
        await dynamo.write(put("any", dict(KEY)))
    await dynamo.close()


async def test_a_store_that_never_answers_is_given_up_within_three_seconds() -> None:
    ended = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = hanging.sockets[0].getsockname()[1]
    dynamo = Dynamo(region=REGION, endpoint=f"http://127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        await dynamo.write(put("any", dict(KEY)))
    with pytest.raises(OutcomeUnknown):
        await dynamo.get("any", KEY)
    assert time.monotonic() - began < 6
    await dynamo.close()
    ended.set()
    hanging.close()
    await hanging.wait_closed()


async def test_a_request_of_ours_that_is_wrong_is_our_fault_and_not_the_stores(dynamo: Dynamo, prefix: str) -> None:
    with pytest.raises(Exception, match="Validation") as raised:
        await dynamo.write(update(prefix + "tenant-usage", KEY, "SET"))
    assert not isinstance(raised.value, NotApplied | OutcomeUnknown)


async def test_a_failed_condition_brings_what_stands_there(dynamo: Dynamo, prefix: str) -> None:
    table = prefix + "tenant-usage"
    with pytest.raises(ConditionFailed) as nothing:
        await dynamo.write(update(table, KEY, "SET n = :n", "attribute_exists(pk)", values={":n": 1}))
    assert nothing.value.item is None
    await dynamo.write(put(table, {**KEY, "n": 5, "deep": {"list": [1, {"x": 2}]}}))
    with pytest.raises(ConditionFailed) as held:
        await dynamo.write(put(table, dict(KEY), "attribute_not_exists(pk)"))
    assert held.value.item == {**KEY, "n": 5, "deep": {"list": [1, {"x": 2}]}}


async def test_a_cancelled_transaction_does_nothing_and_names_its_reasons(dynamo: Dynamo, prefix: str) -> None:
    table = prefix + "tenant-usage"
    await dynamo.write(put(table, {**KEY, "n": 5}))
    writes = [
        put(table, {"pk": "new", "sk": "b"}, "attribute_not_exists(pk)"),
        update(table, KEY, "SET n = :n", "n = :seen", values={":n": 6, ":seen": 4}),
        check(table, {"pk": "c", "sk": "c"}, "attribute_not_exists(pk)"),
    ]
    with pytest.raises(TransactionCancelled) as cancelled:
        await dynamo.transact(writes)
    assert [reason.condition_failed for reason in cancelled.value.reasons] == [False, True, False]
    assert cancelled.value.reasons[1].item == {**KEY, "n": 5}
    assert not cancelled.value.conflict
    assert await dynamo.get(table, {"pk": "new", "sk": "b"}) is None


async def test_writes_answer_what_stands_or_stood_there(dynamo: Dynamo, prefix: str) -> None:
    table = prefix + "tenant-usage"
    big = 10**30
    assert await dynamo.write(put(table, {**KEY, "n": big})) is None
    changed = await dynamo.write(update(table, KEY, "ADD n :one", values={":one": 1}))
    assert changed == {**KEY, "n": big + 1}
    assert await dynamo.write(delete(table, KEY)) == changed
    assert await dynamo.write(delete(table, KEY)) is None
    assert await dynamo.get(table, KEY) is None


async def test_a_query_reads_a_partition_in_order_through_all_its_pages(dynamo: Dynamo, prefix: str) -> None:
    table = prefix + "tenant-usage"
    filler = "x" * 200_000  # six of these are more than the megabyte one page holds
    for index in range(12):
        await dynamo.write(put(table, {"pk": "p", "sk": f"{index:02d}", "filler": filler}))
    await dynamo.write(put(table, {"pk": "q", "sk": "00"}))
    every = [item["sk"] for item in await dynamo.query(table, "p")]
    assert every == [f"{index:02d}" for index in range(12)]
    assert [item["sk"] for item in await dynamo.query(table, "p", after="03", limit=7)] == every[4:11]
    assert await dynamo.query(table, "p", after="11") == []
    assert await dynamo.query(table, "none") == []

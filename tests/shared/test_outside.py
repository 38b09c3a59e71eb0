"""What is asked of the systems outside is told: in the log line's facts, and in the metrics with its outcome."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from shared import outside
from shared.adapters.clerk import ClerkUsers, TokenVerifier, clerk_http
from shared.adapters.dynamodb import Dynamo, TransactionCancelled, check, put, update
from shared.adapters.stripe_client import operation
from shared.adapters.stripe_gateway import StripeGateway
from shared.adapters.system import utc_now
from shared.domain.errors import Unavailable
from shared.domain.quota import Quota
from shared.metering.counter import Counter
from shared.settings import StripeKeys
from tests.infra.stripe.sandbox import KEY, running
from tests.serving import serving
from tests.tokens import Issuer

NOWHERE = "http://127.0.0.1:9"


def counted(system: str, operation: str, outcome: str) -> float:
    labels = {"operation": operation, "outcome": outcome}
    return REGISTRY.get_sample_value(f"dream_api_{system}_seconds_count", labels) or 0.0


async def test_every_kind_of_store_request_is_measured_by_operation_and_outcome(dynamo: Dynamo, prefix: str) -> None:
    table, key = prefix + "tenant-tokens", {"pk": "a", "sk": "b"}
    names = ["PutItem", "Query", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "GetItem", "UpdateItem"]
    before = [counted("store", name, "ok") for name in names]
    refused = counted("store", "TransactWriteItems", "refused")
    asked = outside.begin()
    await dynamo.write(put(table, key))
    await dynamo.query(table, "a")
    await dynamo.get_many(table, [key])
    await dynamo.write_many([put(table, {"pk": "a", "sk": "c"})])
    await dynamo.transact([put(table, {"pk": "a", "sk": "d"})])
    await dynamo.get(table, key)
    await dynamo.write(update(table, key, "ADD n :one", values={":one": 1}))
    with pytest.raises(TransactionCancelled):
        await dynamo.transact([check(table, key, "attribute_not_exists(pk)")])
    assert [counted("store", name, "ok") for name in names] == [one + 1 for one in before]
    assert counted("store", "TransactWriteItems", "refused") == refused + 1
    facts = asked.facts()
    assert facts["storeCalls"] == 8
    assert facts["storeMs"] > 0
    assert "stripeCalls" not in facts


async def test_a_store_that_is_not_there_has_failed() -> None:
    before = counted("store", "GetItem", "failed"), counted("store", "Query", "failed")
    dynamo = Dynamo(region="us-east-1", endpoint=NOWHERE)
    for call in (dynamo.get("t", {"pk": "a", "sk": "b"}), dynamo.query("t", "a")):
        with pytest.raises(Unavailable):
            await call
    await dynamo.close()
    assert counted("store", "GetItem", "failed") == before[0] + 2  # reads are tried twice
    assert counted("store", "Query", "failed") == before[1] + 2


async def test_calls_that_share_a_write_each_tell_their_own_wait_for_it(dynamo: Dynamo, prefix: str) -> None:
    counter = Counter(dynamo, prefix + "tenant-usage", utc_now, bytes)
    quota = Quota("free", 100, 100)

    async def call() -> outside.Asked:
        asked = outside.begin(traced=True)
        await counter.count("plt_1:alice", quota)
        return asked

    for asked in await asyncio.gather(*(call() for _ in range(8))):
        assert asked.facts()["storeCalls"] == 1
        assert [(child.operation, child.outcome) for child in asked.children or ()] == [("count", "ok")]
    await counter.close()


async def test_requests_to_stripe_are_measured_without_whom_they_are_about() -> None:
    asked = outside.begin(traced=True)
    async with running() as sandbox:
        keys = {"secret_key": KEY, "webhook_secret": "whsec_1", "api_url": sandbox.url, "connect_url": sandbox.url}
        gateway = StripeGateway(StripeKeys.model_validate(keys))
        customer = await gateway.own().create_customer(email=None, metadata={}, key="customer:1")
        await gateway.own().subscriptions(customer)
        await gateway.own().cancel("sub_unknown")
        await gateway.close()
    assert [(child.operation, child.outcome) for child in asked.children or ()] == [
        ("POST /v1/customers", "ok"),
        ("GET /v1/subscriptions", "ok"),
        ("DELETE /v1/subscriptions/{id}", "refused"),
    ]
    assert asked.facts()["stripeCalls"] == 3
    assert operation("post", "https://api.stripe.com/v1/products/dream_x") == "POST /v1/products/{id}"


async def test_requests_to_clerk_are_measured_whether_it_answers_or_not() -> None:
    asked = outside.begin(traced=True)
    issuer = Issuer()
    async with serving(issuer.app) as url, clerk_http() as http:
        await TokenVerifier(issuer.clerk_app(url), http, utc_now).reach()
        with pytest.raises(Unavailable):
            await ClerkUsers(issuer.clerk_app(NOWHERE), http).user("user_1")
        with pytest.raises(Unavailable):
            await TokenVerifier(issuer.clerk_app(NOWHERE), http, utc_now).reach()
    told = [(child.operation, child.outcome) for child in asked.children or ()]
    assert told == [("key_set", "ok"), ("user", "failed"), ("key_set", "failed")]
    assert asked.facts()["clerkCalls"] == 3


async def test_what_is_over_keeps_nothing_and_takes_nothing_more() -> None:
    asked = outside.begin(traced=True)
    outside.told(outside.STORE, "Query", 0.0, outside.OK)
    asked.forget()
    outside.told(outside.STORE, "Query", 0.0, outside.OK)
    assert (asked.facts(), asked.children) == ({}, None)


async def test_a_pass_over_everything_keeps_only_so_many_of_its_requests_one_by_one() -> None:
    asked = outside.begin(traced=True)
    for _ in range(outside.MOST_CHILDREN + 5):
        outside.told(outside.STORE, "Query", 0.0, outside.OK)
    assert asked.facts()["storeCalls"] == outside.MOST_CHILDREN + 5
    assert len(asked.children or ()) == outside.MOST_CHILDREN

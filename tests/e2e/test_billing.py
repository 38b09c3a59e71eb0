"""Payments over real service processes: killed at any step, doubled at two processes at once, Stripe and Clerk down."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import stripe

from infra.sandbox.stripe.config import API_VERSION
from tests.e2e.billing_sides import Addresses, Buyer, Side, side
from tests.e2e.installation import free_port
from tests.gates import Gate
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="function")

CREATED = "customer.subscription.created"


@pytest_asyncio.fixture(name="side", params=["platform_api", "tenant_api"], loop_scope="function")
async def either_side(
    request: pytest.FixtureRequest, endpoint: str, prefix: str, tmp_path: Path
) -> AsyncIterator[Side]:
    async with side(request.param, endpoint, prefix, tmp_path) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="function")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(trust_env=False, timeout=30, limits=limits) as client:
        yield client


async def paid(side: Side) -> tuple[Buyer, stripe.Event]:
    buyer = await side.buyer()
    return buyer, (await side.events(buyer, CREATED))[0]


async def test_a_process_killed_after_any_step_is_made_good_by_the_next_delivery(
    side: Side, http: httpx2.AsyncClient
) -> None:
    # One process, killed while it works on five events, each of them at another step.
    bought = [await paid(side) for _ in range(5)]
    store, clerk = Gate(str(side.world.settings.dynamodb_endpoint)), Gate(side.clerk_url)
    at_stripe = Gate(side.world.stripe.url)
    (claimed, _), (looked, _), (stored, _), (told, _), (noted, done) = bought
    tokens, usage = f'"{side.world.settings.table(side.tokens_table)}"', side.world.settings.table(side.usage_table)
    met = [
        at_stripe.hold("GET", "/v1/subscriptions", claimed.customer_id),
        store.hold(side.record_write, tokens, looked.subject),
        clerk.hold("PATCH", stored.user_id),
        store.hold("UpdateItem", tokens, told.subject),
        store.hold("UpdateItem", f'"{usage}"', done.id, "#outcome = :outcome"),
    ]
    async with AsyncExitStack() as stack:
        gates = [await stack.enter_async_context(serving(gate.app)) for gate in (store, clerk, at_stripe)]
        victim = await stack.enter_async_context(side.process(Addresses(*gates)))
        other = await stack.enter_async_context(side.process())
        sent = [asyncio.create_task(side.deliver(http, victim, event)) for _, event in bought]
        async with asyncio.timeout(10):
            await asyncio.gather(*(one.wait() for one in met))
        victim.kill()
        answers = await asyncio.gather(*sent, return_exceptions=True)
        assert all(isinstance(answer, httpx2.TransportError) for answer in answers), answers
        plans = [(await side.record(buyer)).plan for buyer, _ in bought]
        assert plans == [None, None, side.paid_plan, side.paid_plan, side.paid_plan]
        mirrored = [side.metadata(buyer).get("plan", "free") for buyer, _ in bought]
        assert mirrored == ["free", "free", "free", side.paid_plan, side.paid_plan]
        assert [(await side.record(buyer)).told for buyer in (told, noted)] == [0, 2]

        for _, event in bought:
            await side.lease_is_over(event)
        again = await asyncio.gather(*(side.deliver(http, other, event) for _, event in bought))
        assert [answer.status_code for answer in again] == [200] * 5
        assert {answer.json()["outcome"] for answer in again} <= {"applied", "unchanged"}
        for buyer, event in bought:
            record = await side.record(buyer)
            assert (record.plan, record.version, record.told) == (side.paid_plan, 2, 2)
            assert side.metadata(buyer)["plan"] == side.paid_plan
            assert (await side.deliver(http, other, event)).json()["outcome"] == "duplicate"


async def test_events_doubled_and_at_two_processes_at_once_are_each_taken_and_their_effects_happen_once(
    side: Side, http: httpx2.AsyncClient
) -> None:
    buyer = await side.buyer()
    await side.buy_again(buyer)
    kinds = (CREATED, "invoice.paid", "checkout.session.completed")
    events = [event for kind in kinds for event in await side.events(buyer, kind)]
    assert len(events) == 6
    async with side.process() as one, side.process() as other:
        both = [service for _ in range(5) for service in (one, other)]
        sent = [side.deliver(http, service, event) for service in both for event in events]
        answers = await asyncio.gather(*sent)
    assert [answer.status_code for answer in answers] == [200] * 60
    outcomes = [answer.json()["outcome"] for answer in answers]
    assert outcomes.count("duplicate") == 54
    newest, older = await side.truth(buyer)
    assert (newest["status"], older["status"]) == ("active", "canceled")
    record = await side.record(buyer)
    assert (record.plan, record.subscription_id, record.version, record.told) == (side.paid_plan, newest["id"], 2, 2)
    assert side.metadata(buyer)["subscriptionId"] == newest["id"]
    assert len(await side.events(buyer, "customer.subscription.deleted")) == 1


async def test_what_is_down_for_the_first_deliveries_loses_nothing_and_none_of_them_is_taken(
    side: Side, http: httpx2.AsyncClient
) -> None:
    buyer, event = await paid(side)
    ports = [free_port(), free_port()]  # nobody listens there yet
    at_stripe, clerk = Gate(side.world.stripe.url), Gate(side.clerk_url)
    down = [f"http://127.0.0.1:{port}" for port in ports]
    async with side.process(Addresses(clerk=down[1], stripe=down[0])) as service:
        for _ in range(2):
            answer = await side.deliver(http, service, event)
            assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert (await side.record(buyer)).plan is None
        async with serving(at_stripe.app, ports[0]):
            for _ in range(2):
                assert (await side.deliver(http, service, event)).status_code == 503
            assert side.metadata(buyer).get("plan", "free") == "free"
            async with serving(clerk.app, ports[1]):
                assert (await side.deliver(http, service, event)).status_code == 200
                assert (await side.checkout(http, service.url)).status_code == 200
    record = await side.record(buyer)
    assert (record.plan, record.version, record.told) == (side.paid_plan, 2, 2)
    assert side.metadata(buyer)["plan"] == side.paid_plan

    assert {request.operation for request in at_stripe.passed} == {"GET", "POST"}
    for request in at_stripe.passed:
        told = json.loads(request.headers["x-stripe-client-user-agent"])
        assert (told["bindings_version"], told["httplib"]) == (stripe.VERSION, "httpx"), told
        assert request.headers["user-agent"].startswith(f"Stripe/v1 PythonBindings/{stripe.VERSION}")
        assert request.headers["stripe-version"] == API_VERSION
        assert request.headers.get("stripe-account") == side.account

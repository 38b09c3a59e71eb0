"""Idempotency keys, and failures ordered for coming requests."""

import asyncio

import pytest
import stripe

from tests.infra.stripe.sandbox import Sandbox, connected, of


async def test_the_same_key_gives_the_same_object(sandbox: Sandbox) -> None:
    create = sandbox.ask.customers.create_async
    first = await create({"email": "a@example.com"}, of(None, "k1"))
    again = await create({"email": "a@example.com"}, of(None, "k1"))
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len((await sandbox.ask.customers.list_async()).data) == 1
    with pytest.raises(stripe.IdempotencyError):
        await create({"email": "b@example.com"}, of(None, "k1"))


async def test_keys_of_two_accounts_do_not_meet(sandbox: Sandbox) -> None:
    account = await connected(sandbox)
    own = await sandbox.ask.customers.create_async({}, of(None, "k1"))
    theirs = await sandbox.ask.customers.create_async({}, of(account, "k1"))
    assert own.id != theirs.id


async def test_a_refused_parameter_leaves_the_key_free_a_refused_request_does_not(sandbox: Sandbox) -> None:
    create = sandbox.ask.products.create_async
    with pytest.raises(stripe.InvalidRequestError):
        await create({"title": "Pro"}, of(None, "k1"))
    assert (await create({"name": "Pro"}, of(None, "k1"))).name == "Pro"
    price = {"product": "prod_x", "currency": "usd", "unit_amount": 1}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="No such product") as refused:
            await sandbox.ask.prices.create_async(price, of(None, "k2"))
        await create({"id": "prod_x", "name": "X"}, of(None, "k3"))
    assert refused.value.headers is not None
    assert refused.value.headers["idempotent-replayed"] == "true"


async def test_a_key_in_use_is_a_conflict(sandbox: Sandbox) -> None:
    await sandbox.control("faults", next=[{"path": "/v1/customers", "status": "slow", "seconds": 0.3}])
    slow = asyncio.create_task(sandbox.ask.customers.create_async({}, of(None, "k1")))
    while (await sandbox.look("faults"))["left"]:
        await asyncio.sleep(0.005)
    conflict = await sandbox.raw("POST", "/v1/customers", Idempotency_Key="k1")
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (await sandbox.ask.customers.create_async({}, of(None, "k2"))).id != (await slow).id
    assert (await sandbox.ask.customers.create_async({}, of(None, "k1"))).id == (await slow).id


async def test_a_lost_answer_is_found_again_by_its_key(sandbox: Sandbox) -> None:
    await sandbox.control("faults", next=[{"path": "/v1/customers", "status": "lost_answer"}])
    with pytest.raises(stripe.APIConnectionError):
        await sandbox.ask.customers.create_async({}, of(None, "k1"))
    made = (await sandbox.ask.customers.list_async()).data
    assert len(made) == 1
    assert (await sandbox.ask.customers.create_async({}, of(None, "k1"))).id == made[0].id


@pytest.mark.parametrize(("status", "error"), [(500, stripe.APIError), (429, stripe.RateLimitError)])
async def test_an_ordered_failure_does_nothing_and_passes(
    sandbox: Sandbox, status: int, error: type[stripe.StripeError]
) -> None:
    fault = {"path": "/v1/customers", "method": "POST", "status": status, "times": 2}
    await sandbox.control("faults", next=[fault])
    for _ in range(2):
        with pytest.raises(error):
            await sandbox.ask.customers.create_async({}, of(None, "k1"))
    assert (await sandbox.ask.customers.list_async()).data == []
    assert (await sandbox.ask.customers.create_async({}, of(None, "k1"))).object == "customer"


async def test_a_failure_of_the_work_itself_is_replayed(sandbox: Sandbox) -> None:
    await sandbox.control("faults", next=[{"status": 500, "executed": True}])
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await sandbox.ask.customers.create_async({}, of(None, "k1"))
    assert (await sandbox.ask.customers.create_async({}, of(None, "k2"))).object == "customer"


async def test_silence_is_a_connection_error(sandbox: Sandbox) -> None:
    await sandbox.control("faults", next=[{"status": "timeout", "seconds": 0.1}])
    with pytest.raises(stripe.APIConnectionError):
        await sandbox.ask.customers.create_async({}, of(None, "k1"))
    assert (await sandbox.ask.customers.list_async()).data == []


async def test_the_log_shows_what_was_asked_without_secrets(sandbox: Sandbox) -> None:
    await sandbox.ask.customers.create_async({"metadata": {"user": "u1"}}, of(None, "k1"))
    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        await sandbox.client.raw_request_async(
            "post", "/oauth/token", base="connect", grant_type="authorization_code", code="ac_secret"
        )
    asked = (await sandbox.look("requests"))["requests"]
    assert [(one["method"], one["path"], one["status"]) for one in asked] == [
        ("POST", "/v1/customers", 200),
        ("POST", "/oauth/token", 400),
    ]
    assert asked[0]["params"] == {"metadata": {"user": "u1"}}
    assert asked[1]["params"]["code"] == "[hidden]"
    assert "ac_secret" not in str(asked)
    assert "sk_test" not in str(asked)

"""Developers paying the operator: from the sixth call refused to the plan that is paid for, and back."""

import json
import time

import httpx2
import pytest
import stripe

from tests.infra.stripe.sandbox import DAY, OWN_SECRET
from tests.platform_api.billing.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


def signed(body: bytes, secret: str = OWN_SECRET, age: int = 0) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()) - age)
    return {"stripe-signature": header}


async def delivered(world: World, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    return await world.http.post(world.urls[0] + "/webhook/stripe", content=body, headers=headers)


async def test_a_forged_stale_or_malformed_event_is_a_400_and_changes_nothing(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    before = await world.record(user)
    body = json.dumps({"id": "evt_1", "object": "event", "type": "invoice.paid"}).encode()
    refused: list[tuple[bytes, dict[str, str]]] = [
        (body, {}),
        (body, {"stripe-signature": "t=1,v1=abc"}),
        (body, {"stripe-signature": "nonsense"}),
        (body, signed(body, "whsec_other")),
        (body, signed(body, age=301)),
        (b"[]", signed(b"[]")),
        (b"{", signed(b"{")),
        (body, signed(body)),
    ]
    for raw, headers in refused:
        answer = await delivered(world, raw, headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert await world.record(user) == before


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"account": "acct_dev1"}, "other_account"),
        ({"livemode": True}, "other_mode"),
        ({"type": "price.created"}, "ignored"),
        ({"data": {"object": {"object": "invoice", "customer": "cus_nobody"}}}, "unknown_customer"),
    ],
)
async def test_an_event_that_is_not_ours_is_taken_and_dropped(
    world: World, changed: dict[str, object], outcome: str
) -> None:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "invoice.paid",
        "created": 1,
        "livemode": False,
        "data": {"object": {"object": "invoice", "customer": "cus_1"}},
    }
    body = json.dumps(event | changed).encode()
    answer = await delivered(world, body, signed(body))
    assert (answer.status_code, answer.json()["outcome"]) == (200, outcome)


async def test_the_portal_before_any_payment_is_a_409(world: World) -> None:
    answer = await world.post(await world.developer(), "/customer-portal")
    assert (answer.status_code, answer.json()["reason"]) == (409, "no_customer")


@pytest.mark.store
async def test_the_story_from_refused_to_paid_to_cancelled_to_free(world: World) -> None:
    user = await world.developer()
    statuses = [(await world.post(user, "/verify-auth")).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [403]
    assert "upgradeUrl" in (await world.post(user, "/verify-auth")).json()

    await world.subscribe(user)
    await world.settled()
    answer = (await world.post(user, "/verify-auth")).json()
    assert (answer["plan"], answer["usage"]["limit"], answer["usage"]["count"]) == ("paid", 500, 6)
    metadata = world.clerk.users[user["id"]]["public_metadata"]
    subscription = (await world.truth(user))[0]
    assert metadata == {"plan": "paid", "subscribed": True, "subscriptionId": subscription["id"]}
    assert subscription["metadata"] == {"userId": user["id"]}

    again = (await world.post(user, "/create-checkout")).json()
    assert again["portal"]

    await world.in_portal(user, "cancel")
    await world.settled()
    assert await world.limit(user) == 500
    await world.stripe.advance(40)
    await world.settled()
    assert await world.limit(user) == 5
    assert world.clerk.users[user["id"]]["public_metadata"] == {"plan": "free", "subscribed": False}

    assert not (await world.post(user, "/create-checkout")).json()["portal"]
    await world.subscribe(user)
    await world.settled()
    assert await world.limit(user) == 500


async def test_other_metadata_survives_a_payment(world: World) -> None:
    user = await world.developer()
    user["public_metadata"] = {"theme": "dark", "nested": {"a": 1}}
    await world.subscribe(user)
    await world.settled()
    metadata = world.clerk.users[user["id"]]["public_metadata"]
    assert (metadata["theme"], metadata["nested"], metadata["plan"]) == ("dark", {"a": 1}, "paid")


async def test_a_failed_renewal_keeps_the_plan_for_the_grace_and_no_longer(world: World) -> None:
    user = await world.developer()
    await world.stripe.control("dunning", retry_days=[20], final="unpaid")
    await world.subscribe(user, card="4000000000000341")
    await world.settled()
    assert await world.limit(user) == 500
    await world.renewed(user)
    record = await world.record(user)
    assert record.status == "past_due"
    assert record.paid_until is not None
    renewed_at = (await world.truth(user))[0]["items"]["data"][0]["current_period_start"]
    assert record.paid_until == renewed_at + 7 * DAY
    await world.stripe.advance(25)
    await world.settled()
    assert (await world.record(user)).status == "unpaid"
    assert await world.limit(user) == 5


async def test_two_checkouts_at_once_are_one_customer_and_a_second_subscription_is_cancelled(world: World) -> None:
    user = await world.developer()
    first = (await world.post(user, "/create-checkout")).json()["checkoutUrl"]
    assert (await world.post(user, "/create-checkout")).json()["checkoutUrl"] == first
    customer = (await world.record(user)).customer_id
    await world.stripe.browser.post(first, data={"card": "4242424242424242"})
    await world.settled()
    await world.stripe.control("advance", seconds=60)
    by_accident = await world.stripe.checkout(world.price_id, customer=customer)
    await world.stripe.pay(by_accident)
    await world.settled()
    newest, older = await world.truth(user)
    assert (newest["status"], older["status"]) == ("active", "canceled")
    assert (await world.record(user)).subscription_id == newest["id"]
    assert await world.limit(user) == 500


async def test_another_price_on_the_subscription_is_not_the_paid_plan(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    cheap = await world.stripe.price(100, "Something else")
    session = await world.stripe.checkout(cheap.id, customer=(await world.record(user)).customer_id)
    await world.stripe.pay(session)
    await world.settled()
    assert await world.limit(user) == 5


async def test_a_customer_deleted_at_stripe_gets_a_new_one_for_the_next_checkout(world: World) -> None:
    user = await world.developer()
    await world.subscribe(user)
    await world.settled()
    old = (await world.record(user)).customer_id
    await world.stripe.ask.customers.delete_async(old)
    await world.settled()
    assert await world.limit(user) == 5
    await world.subscribe(user)
    await world.settled()
    assert (await world.record(user)).customer_id != old
    assert await world.limit(user) == 500

"""Which of Stripe's statuses pay, seen on the developer's very next call; and who is billed by whose event."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from platform_api.deps import opened
from platform_api.entitlements import Entitlements
from shared.adapters.system import utc_now
from shared.billing.records import OWN_ACCOUNT, BillingRecord
from shared.domain.principal import Developer
from tests.clocks import SetClock
from tests.platform_api.billing.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def bought(world: World, customer: str, **params: Any) -> Any:
    """A subscription made at Stripe, not through our checkout."""
    asked = {"customer": customer, "items": [{"price": world.price_id}]} | params
    return await world.stripe.ask.subscriptions.create_async(asked)


async def test_a_trial_pays_and_pausing_at_its_end_does_not(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    end = {"end_behavior": {"missing_payment_method": "pause"}}
    made = await bought(world, (await world.record(user)).customer_id, trial_period_days=5, trial_settings=end)
    await world.settled()
    assert (made.status, await world.limit(user)) == ("trialing", 500)
    await world.stripe.advance(6)
    await world.settled()
    assert ((await world.record(user)).status, await world.limit(user)) == ("paused", 5)
    assert not world.metadata(user)["subscribed"]


async def test_an_incomplete_first_payment_does_not_pay(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    await bought(world, (await world.record(user)).customer_id, payment_behavior="default_incomplete")
    await world.settled()
    assert ((await world.record(user)).status, await world.limit(user)) == ("incomplete", 5)
    answer = (await world.post(user, "/create-checkout")).json()
    assert not answer["portal"]


async def test_a_declined_card_at_the_checkout_buys_nothing(world: World) -> None:
    user = await world.developer()
    url = (await world.post(user, "/create-checkout")).json()["checkoutUrl"]
    await world.stripe.browser.post(url, data={"card": "4000000000000002"})
    await world.settled()
    assert await world.limit(user) == 5


async def test_final_failure_returns_to_free(world: World) -> None:
    user = await world.developer()
    await world.stripe.control("dunning", retry_days=[2], final="canceled")
    await world.subscribe(user, card="4000000000000341")
    await world.renewed(user)
    assert ((await world.record(user)).status, await world.limit(user)) == ("past_due", 500)
    await world.stripe.advance(3)
    await world.settled()
    assert ((await world.record(user)).status, await world.limit(user)) == ("canceled", 5)
    assert world.metadata(user) == {"plan": "free", "subscribed": False}


async def test_what_is_bought_beside_the_plan_neither_replaces_nor_ends_it_nor_is_ended(world: World) -> None:
    user = await world.developer()
    await world.subscribe(user)
    await world.stripe.control("advance", seconds=60)
    support = await world.stripe.price(9900, "Support")
    session = await world.stripe.checkout(support.id, customer=(await world.record(user)).customer_id)
    await world.stripe.pay(session)
    await world.settled()
    assert await world.limit(user) == 500
    assert [one["status"] for one in await world.truth(user)] == ["active", "active"]


async def test_who_buys_something_else_can_still_buy_the_plan(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    support = await world.stripe.price(9900, "Support")
    session = await world.stripe.checkout(support.id, customer=(await world.record(user)).customer_id)
    await world.stripe.pay(session)
    await world.settled()
    assert await world.limit(user) == 5
    await world.subscribe(user)
    await world.settled()
    assert await world.limit(user) == 500


async def test_who_pays_a_price_that_is_no_longer_sold_keeps_the_plan(world: World) -> None:
    user = await world.developer()
    await world.subscribe(user)
    newer = await world.stripe.price(3900, "dream-api")
    changed = world.settings.model_copy(update={"stripe_price_id": f"{newer.id}, {world.price_id}"})
    async with opened(changed) as deps:
        assert deps.billing is not None
        await deps.billing.reconcile.one(user["id"])
        assert (await world.record(user)).plan == "paid"
        assert (await deps.billing.billing.checkout(Developer(user["id"], None))).portal
    assert changed.prices == (newer.id, world.price_id)


async def test_the_record_wins_over_the_token_both_ways(world: World) -> None:
    entitlements = Entitlements(world.records, utc_now)
    user = await world.developer()
    assert (await entitlements.quota(Developer(user["id"], "paid"))).plan == "paid"
    assert (await entitlements.quota(Developer(user["id"], None))).plan == "free"
    await world.subscribe(user)
    await world.settled()
    assert (await entitlements.quota(Developer(user["id"], "free"))).plan == "paid"
    await world.in_portal(user, "cancel_now")
    await world.settled()
    assert (await entitlements.quota(Developer(user["id"], "paid"))).plan == "free"


async def test_the_grace_ends_by_the_clock_whether_or_not_an_event_comes(world: World) -> None:
    clock = SetClock()
    user, ends = await world.developer(), clock() + timedelta(seconds=60)
    record = BillingRecord(user["id"], OWN_ACCOUNT, f"cus_{user['id']}", plan="paid", status="past_due")
    await world.records.create(replace(record, paid_until=int(ends.timestamp()), subscription_id="sub_1"))
    entitlements = Entitlements(world.records, clock)
    assert (await entitlements.quota(Developer(user["id"], "paid"))).plan == "paid"
    clock.advance(seconds=60)
    assert (await entitlements.quota(Developer(user["id"], "paid"))).plan == "free"


async def test_without_billing_the_token_decides() -> None:
    assert (await Entitlements(None, utc_now).quota(Developer("user_1", "paid"))).plan == "paid"


async def test_a_payment_whose_customer_is_unknown_is_found_by_the_id_that_our_checkout_gave_it(world: World) -> None:
    user = await world.developer()
    customer = await world.stripe.ask.customers.create_async({})
    given = {"customer": customer.id, "client_reference_id": user["id"]}
    await world.stripe.pay(await world.stripe.checkout(world.price_id, **given))
    await world.settled()
    assert ((await world.record(user)).customer_id, await world.limit(user)) == (customer.id, 500)


async def test_a_payment_by_a_second_customer_counts_while_the_first_pays_nothing(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    customer = await world.stripe.ask.customers.create_async({})
    made: dict[str, Any] = {"customer": customer.id, "subscription_data": {"metadata": {"userId": user["id"]}}}
    await world.stripe.pay(await world.stripe.checkout(world.price_id, **made))
    await world.settled()
    assert ((await world.record(user)).customer_id, await world.limit(user)) == (customer.id, 500)
    third = await world.stripe.ask.customers.create_async({})
    given = {"customer": third.id, "client_reference_id": user["id"]}
    await world.stripe.pay(await world.stripe.checkout(world.price_id, **given))
    await world.settled()
    assert ((await world.record(user)).customer_id, await world.limit(user)) == (customer.id, 500)


async def test_a_developer_deleted_at_clerk_is_taken_as_told(world: World) -> None:
    user = await world.developer()
    url = (await world.post(user, "/create-checkout")).json()["checkoutUrl"]
    del world.clerk.users[user["id"]]
    await world.stripe.browser.post(url, data={"card": "4242424242424242"})
    await world.settled()
    record = await world.record(user)
    assert (record.plan, record.told) == ("paid", record.version)


async def test_the_portal_of_a_customer_deleted_at_stripe_is_a_409(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    await world.stripe.ask.customers.delete_async((await world.record(user)).customer_id)
    answer = await world.post(user, "/customer-portal")
    assert (answer.status_code, answer.json()["reason"]) == (409, "no_customer")


@pytest.mark.parametrize("path", ["/create-checkout", "/customer-portal"])
async def test_billing_is_for_developers_with_a_token(world: World, path: str) -> None:
    assert (await world.http.post(world.urls[0] + path)).status_code == 401


async def test_a_used_up_month_does_not_block_the_way_out_and_counts_nothing(world: World) -> None:
    user = await world.developer()
    for _ in range(6):
        await world.post(user, "/verify-auth")
    assert (await world.post(user, "/create-checkout")).status_code == 200
    await world.subscribe(user)
    await world.settled()
    assert (await world.post(user, "/customer-portal")).status_code == 200
    assert (await world.post(user, "/verify-auth")).json()["usage"]["count"] == 6


async def test_the_checkout_returns_to_the_platforms_own_pages_whatever_the_caller_says(world: World) -> None:
    user = await world.developer()
    await world.post(user, "/create-checkout")
    asked = {"customer": (await world.record(user)).customer_id}
    (session,) = (await world.stripe.ask.checkout.sessions.list_async(asked)).data
    assert session.success_url.startswith("https://platform.example.com/dashboard?")
    assert session.cancel_url.startswith("https://platform.example.com/dashboard?")
    assert (session.client_reference_id, session.metadata["userId"]) == (user["id"], user["id"])

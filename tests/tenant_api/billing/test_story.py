"""End-users paying on the connected account: from the call refused to the tier that is paid for, and back."""

import pytest

from shared.domain.tiers import TierConfig
from shared.records.tenant_config import Catalog, StripePrice
from tests.tenant_api.billing.world import BASIC, FREE, MAX, PAGES, PRO, SHOP, TIERS, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.store
async def test_the_story_from_refused_to_basic_to_pro_to_cancelled_to_free(world: World) -> None:
    user = await world.end_user(await world.platform())
    statuses = [(await world.post(user, "/api/data")).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [403]
    refused = (await world.post(user, "/api/data")).json()
    assert refused["upgradeUrl"] == f"{PAGES}/p/{user.platform.platform_id}"

    await world.subscribe(user, "basic")
    await world.settled()
    usage = (await world.post(user, "/api/data")).json()["usage"]
    assert (usage["plan"], usage["limit"], usage["count"]) == ("basic", BASIC, 6)
    subscription = (await world.truth(user))[0]
    said = {"platformId": user.platform.platform_id, "userId": user.id, "tier": "basic"}
    assert (subscription["metadata"], subscription["application_fee_percent"]) == (said, 2.5)
    assert user.metadata == {
        "platformId": user.platform.platform_id,
        "plan": "basic",
        "subscriptionId": subscription["id"],
    }

    assert (await world.post(user, "/api/create-checkout", {"tier": "pro"})).json()["portal"]
    assert (await world.post(user, "/api/data", {"units": BASIC - 6})).status_code == 200
    assert (await world.post(user, "/api/data")).status_code == 403
    await world.in_portal(user, "change", price=user.platform.price("pro"))
    await world.settled()
    usage = (await world.post(user, "/api/data")).json()["usage"]
    assert (usage["plan"], usage["limit"], usage["count"]) == ("pro", PRO, BASIC + 1)

    await world.in_portal(user, "cancel")
    await world.settled()
    assert await world.limit(user) == PRO
    await world.stripe.advance(40)
    await world.settled()
    assert await world.limit(user) == FREE
    assert user.metadata == {"platformId": user.platform.platform_id, "plan": "free"}
    await world.subscribe(user, "pro")
    await world.settled()
    assert await world.limit(user) == PRO


async def test_a_developers_server_starts_a_checkout_by_key_and_email(world: World) -> None:
    platform = await world.platform()
    headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "a" * 256}
    refused = await world.send("/api/create-checkout", headers, {"tier": "basic"})
    assert (refused.status_code, refused.json()["field"]) == (400, "email")
    odd = await world.send("/api/create-checkout", headers, {"tier": "basic", "email": "nobody"})
    assert odd.status_code == 400
    answer = await world.send("/api/create-checkout", headers, {"tier": "basic", "email": "a@example.com"})
    await world.stripe.browser.post(answer.json()["url"], data={"card": "4242424242424242"})
    await world.settled()
    usage = (await world.send("/api/data", headers)).json()["usage"]
    assert usage["plan"] == "basic"
    named = (await world.send("/api/data", headers | {"X-User-Plan": "free"})).json()["usage"]
    assert named["plan"] == "free"
    portal = await world.send("/api/customer-portal", headers)
    assert portal.status_code == 200


async def test_a_trial_pays_and_is_given_once(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "max")
    await world.settled()
    assert (await world.record(user)).status == "trialing"
    assert await world.limit(user) == MAX
    await world.in_portal(user, "cancel_now")
    await world.settled()
    assert await world.limit(user) == FREE
    await world.subscribe(user, "max")
    await world.settled()
    assert (await world.record(user)).status == "active"


async def test_a_trial_that_ends_goes_on_as_paid_or_as_past_due_by_its_card(world: World) -> None:
    platform = await world.platform()
    paying, failing = await world.end_user(platform), await world.end_user(platform)
    await world.subscribe(paying, "max")
    await world.subscribe(failing, "max", card="4000000000000341")
    await world.settled()
    assert [(await world.record(user)).status for user in (paying, failing)] == ["trialing", "trialing"]
    await world.stripe.advance(14.5)
    await world.settled()
    assert [(await world.record(user)).status for user in (paying, failing)] == ["active", "past_due"]
    assert [await world.limit(user) for user in (paying, failing)] == [MAX, MAX]


async def test_a_downgrade_in_the_portal_counts_at_once(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "pro")
    await world.settled()
    assert (await world.post(user, "/api/data", {"units": BASIC + 1})).status_code == 200
    await world.in_portal(user, "change", price=user.platform.price("basic"))
    await world.settled()
    assert await world.limit(user) == BASIC
    refused = await world.post(user, "/api/data")
    assert (refused.status_code, refused.json()["limit"]) == (403, BASIC)
    assert user.metadata["plan"] == "basic"


async def test_two_checkouts_are_one_customer_and_the_older_subscription_is_cancelled(world: World) -> None:
    user = await world.end_user(await world.platform())
    basic, pro = await world.checkout(user, "basic"), await world.checkout(user, "pro")
    assert await world.checkout(user, "basic") == basic
    await world.stripe.browser.post(basic, data={"card": "4242424242424242"})
    await world.settled()
    await world.stripe.control("advance", seconds=60)
    await world.stripe.browser.post(pro, data={"card": "4242424242424242"})
    await world.settled()
    assert [one["status"] for one in await world.truth(user)] == ["active", "canceled"]
    assert await world.limit(user) == PRO


async def test_what_else_a_developer_sells_a_customer_is_neither_a_tier_nor_cancelled(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "basic")
    await world.settled()
    account, customer = user.platform.account, (await world.record(user)).customer_id
    newsletter = await world.stripe.price(100, "Newsletter", account)
    await world.stripe.pay(await world.stripe.checkout(newsletter.id, account, customer=customer))
    await world.settled()
    assert [one["status"] for one in await world.truth(user)] == ["active", "active"]
    assert await world.limit(user) == BASIC


async def test_who_has_paid_keeps_their_tier_when_it_is_repriced_or_taken_off_sale(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "pro")
    await world.settled()
    old = user.platform.catalog.prices["pro"]
    dearer = await world.stripe.price(3900, "Pro", user.platform.account)
    prices = {**user.platform.catalog.prices, "pro": StripePrice(dearer.id, dearer.product)}
    retired = {old.price_id: "pro"}
    await world.publish(user.platform, TierConfig(TIERS.tiers, 2), Catalog(user.platform.account, prices, retired))
    await world.stripe.advance(31.5)
    await world.settled()
    assert await world.limit(user) == PRO
    kept = TierConfig(tuple(tier for tier in TIERS.tiers if tier.name != "pro"), 3)
    del prices["pro"]
    withdrawn = tuple(tier for tier in TIERS.tiers if tier.name == "pro")
    await world.publish(user.platform, kept, Catalog(user.platform.account, prices, retired, withdrawn))
    async with world.billing() as billing:
        assert await billing.reconcile.one(user.subject) is None
        assert await world.limit(user) == PRO


async def test_a_customer_deleted_at_stripe_gets_a_new_one(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "basic")
    await world.settled()
    old = (await world.record(user)).customer_id
    await world.stripe.ask.customers.delete_async(old, None, {"stripe_account": user.platform.account})
    await world.settled()
    assert await world.limit(user) == FREE
    assert (await world.post(user, "/api/customer-portal")).json()["reason"] == "no_customer"
    await world.subscribe(user, "pro")
    await world.settled()
    assert (await world.record(user)).customer_id != old
    assert await world.limit(user) == PRO


async def test_a_failed_renewal_keeps_the_tier_for_the_grace_and_no_longer(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "basic", card="4000000000000341")
    await world.settled()
    await world.stripe.advance(31.2)
    await world.settled()
    record = await world.record(user)
    assert record.status == "past_due"
    renewed_at = (await world.truth(user))[0]["items"]["data"][0]["current_period_start"]
    assert record.paid_until == renewed_at + 7 * 86_400
    assert await world.limit(user) == BASIC


async def test_the_return_address_of_a_configured_origin_is_taken(world: World) -> None:
    user = await world.end_user(await world.platform(SHOP))
    urls = {"successUrl": f"{SHOP}/ok?session={{CHECKOUT_SESSION_ID}}", "cancelUrl": f"{PAGES}/p/x"}
    assert (await world.post(user, "/api/create-checkout", {"tier": "basic"} | urls)).status_code == 200
    assert (await world.post(user, "/api/customer-portal", {"returnUrl": SHOP})).status_code == 200

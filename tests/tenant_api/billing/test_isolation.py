"""Nobody reaches another platform's or user's billing: forged accounts and metadata, foreign portals, redirects."""

import json
import time
from typing import Any

import httpx2
import pytest
import stripe

from shared.records import tenant_config
from tests.infra.stripe.sandbox import CONNECT_SECRET
from tests.tenant_api.billing.world import BASIC, FREE, PRO, SHOP, TIERS, EndUser, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


def signed(body: bytes, secret: str = CONNECT_SECRET, age: int = 0) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()) - age)
    return {"stripe-signature": header}


async def delivered(world: World, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    return await world.http.post(world.urls[0] + "/webhook/stripe", content=body, headers=headers)


async def outcome(world: World, **changed: Any) -> str:
    event = {"id": f"evt_{time.time_ns()}", "object": "event", "type": "invoice.paid", "created": int(time.time())}
    event |= {"livemode": False, "data": {"object": {"object": "invoice", "customer": "cus_1"}}}
    body = json.dumps(event | changed).encode()
    answer = await delivered(world, body, signed(body))
    assert answer.status_code == 200
    return str(answer.json()["outcome"])


async def paying(world: World, tier: str = "basic") -> EndUser:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, tier)
    await world.settled()
    return user


async def test_a_forged_stale_or_malformed_event_is_a_400_and_changes_nothing(world: World) -> None:
    user = await paying(world)
    before = await world.record(user)
    body = json.dumps({"id": "evt_1", "object": "event", "type": "invoice.paid"}).encode()
    refused: list[tuple[bytes, dict[str, str]]] = [
        (body, {}),
        (body, {"stripe-signature": "t=1,v1=abc"}),
        (body, signed(body, "whsec_own")),
        (body, signed(body, age=301)),
        (b"[]", signed(b"[]")),
        (b"{", signed(b"{")),
        (body, signed(body)),
    ]
    for raw, headers in refused:
        answer = await delivered(world, raw, headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert await world.record(user) == before


async def test_an_event_that_is_nobodys_is_taken_and_dropped(world: World) -> None:
    platform = await world.platform()
    assert await outcome(world) == "no_account"
    assert await outcome(world, account="acct_stranger") == "unknown_account"
    assert await outcome(world, account=platform.account, livemode=True) == "other_mode"
    assert await outcome(world, account=platform.account, type="price.created") == "ignored"
    assert await outcome(world, account=platform.account) == "unknown_customer"
    await world.store(tenant_config.account_key("acct_former") | {"platformId": platform.platform_id})
    assert await outcome(world, account="acct_former") == "unknown_account"


async def test_a_developer_forges_nothing_for_another_platforms_user(world: World) -> None:
    victim, attacker = await world.end_user(await world.platform()), await world.platform()
    said = {"platformId": victim.platform.platform_id, "userId": victim.id, "tier": "max"}
    await world.stripe.subscribed(
        attacker.price("max"),
        attacker.account,
        client_reference_id=victim.id,
        metadata=said,
        subscription_data={"metadata": said},
    )
    await world.settled()
    assert await world.records.find(victim.subject) is None
    assert await world.limit(victim) == FREE
    assert victim.metadata["plan"] == "free"


async def test_metadata_of_another_platform_stops_an_event_of_ones_own_customer(world: World) -> None:
    user, other = await paying(world), await world.platform()
    before, customer = await world.record(user), (await world.record(user)).customer_id
    about = {"object": "subscription", "customer": customer, "metadata": {"platformId": other.platform_id}}
    assert await outcome(world, account=user.platform.account, data={"object": about}) == "other_platform"
    details = {"subscription_details": {"metadata": {"platformId": other.platform_id}}}
    invoice = {"object": "invoice", "customer": customer, "parent": details}
    assert await outcome(world, account=user.platform.account, data={"object": invoice}) == "other_platform"
    foreign = {"object": "subscription", "customer": customer, "metadata": {}}
    assert await outcome(world, account=other.account, data={"object": foreign}) == "unknown_customer"
    assert await world.record(user) == before


async def test_the_same_user_id_at_two_platforms_is_two_people(world: World) -> None:
    one, other = await world.platform(), await world.platform()
    url = ""
    for platform in (one, other):
        headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "alice"}
        assert (await world.send("/api/customer-portal", headers)).json()["reason"] == "no_customer"
    headers = {"Authorization": f"Bearer {one.key}", "X-User-Id": "alice"}
    url = (await world.send("/api/create-checkout", headers, {"tier": "pro", "email": "a@example.com"})).json()["url"]
    await world.stripe.browser.post(url, data={"card": "4242424242424242"})
    await world.settled()
    limits = []
    for platform in (one, other):
        headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "alice"}
        limits.append((await world.send("/api/data", headers)).json()["usage"]["limit"])
    assert limits == [PRO, FREE]
    assert (await world.send("/api/customer-portal", headers)).json()["reason"] == "no_customer"


async def test_a_developer_who_names_another_platforms_clerk_user_does_not_touch_them(world: World) -> None:
    victim, attacker = await world.end_user(await world.platform()), await world.platform()
    headers = {"Authorization": f"Bearer {attacker.key}", "X-User-Id": victim.id}
    answer = await world.send("/api/create-checkout", headers, {"tier": "max", "email": "a@example.com"})
    await world.stripe.browser.post(answer.json()["url"], data={"card": "4242424242424242"})
    await world.settled()
    assert (await world.send("/api/data", headers)).json()["usage"]["plan"] == "max"
    assert victim.metadata == {"platformId": victim.platform.platform_id, "plan": "free"}
    assert await world.limit(victim) == FREE


ELSEWHERE = [
    "https://evil.example.com/",
    "https://shop.example.com.evil.com/",
    "https://shop.example.com@evil.com/",
    "https://shop.example.com:443@evil.com/",
    "https://user@shop.example.com/",
    "https://shop.example.com:8443/",
    "http://shop.example.com/",
    "//shop.example.com/",
    "https:/shop.example.com/",
    "https:\\\\shop.example.com/",
    "https://evil.com\\@shop.example.com/",
    "https://evil.com\\.shop.example.com/",
    "https://shop.example.com\t.evil.com/",
    " https://shop.example.com/",
    "https://shop.example.com./",
    "https://\u0455hop.example.com/",
    "https://shop.example.com:x/",
    "https://[::1/",
    "javascript:alert(1)//https://shop.example.com",
    "data:text/html,x",
    "",
    "https://shop.example.com/" + "a" * 2000,
]


async def test_nobody_is_returned_anywhere_else(world: World) -> None:
    user = await world.end_user(await world.platform(SHOP))
    for url in ELSEWHERE:
        for path, body in (
            ("/api/create-checkout", {"tier": "basic", "successUrl": url}),
            ("/api/create-checkout", {"tier": "basic", "cancelUrl": url}),
            ("/api/customer-portal", {"returnUrl": url}),
        ):
            answer = await world.post(user, path, body)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), (url, answer.text)


async def test_without_origins_only_the_hosted_pages_are_returned_to(world: World) -> None:
    user = await world.end_user(await world.platform())
    answer = await world.post(user, "/api/create-checkout", {"tier": "basic", "successUrl": SHOP})
    assert answer.status_code == 400


async def test_a_price_or_a_tier_that_is_not_sold_is_refused(world: World) -> None:
    user = await world.end_user(await world.platform())
    price = {"tier": "basic", "priceId": user.platform.price("max")}
    refused = [
        (price, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ({"tier": "gold"}, 400, "unknown_tier"),
        ({"tier": "free"}, 400, "invalid_request"),
        ({"tier": "partner"}, 409, "conflict"),
    ]
    for body, status, error in refused:
        answer = await world.post(user, "/api/create-checkout", body)
        assert (answer.status_code, answer.json()["error"]) == (status, error), body
    assert "priceId" in (await world.post(user, "/api/create-checkout", price)).json()["message"]
    assert await world.records.find(user.subject) is None


async def test_every_request_names_the_account(world: World) -> None:
    await world.stripe.browser.delete("/_sandbox/requests")
    user = await world.end_user(await world.platform())
    since = (await world.stripe.look("requests"))["requests"][-1]["seq"]
    await world.subscribe(user, "basic")
    await world.settled()
    assert (await world.post(user, "/api/customer-portal")).status_code == 200
    async with world.billing() as billing:
        await billing.reconcile.one(user.subject)
    asked = (await world.stripe.look("requests", since=since))["requests"]
    assert {one["path"] for one in asked} >= {"/v1/customers", "/v1/checkout/sessions", "/v1/subscriptions"}
    assert {one["account"] for one in asked} == {user.platform.account}


async def test_a_platform_that_left_sells_nothing_more_until_it_is_back(world: World) -> None:
    user = await paying(world)
    await world.stripe.control("disconnect", account=user.platform.account)
    await world.settled()
    other = await world.end_user(user.platform)
    for path, body in (("/api/create-checkout", {"tier": "pro"}), ("/api/customer-portal", None)):
        answer = await world.post(other, path, body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "not_connected")
    customer = (await world.record(user)).customer_id
    about = {"object": "subscription", "customer": customer, "metadata": {}}
    assert await outcome(world, account=user.platform.account, data={"object": about}) == "disconnected"
    async with world.billing() as billing:
        assert await billing.reconcile.one(user.subject) is None
    assert await world.limit(user) == BASIC  # what was last known

    await world.stripe.control("accounts", id=user.platform.account, connected=True)
    now = int((await world.stripe.look("clock"))["now"])
    await world.connect(user.platform.platform_id, user.platform.account, connected_at=now + 5)
    late = {"object": "application", "id": "ca_1"}
    word = {"type": "account.application.deauthorized", "created": now, "data": {"object": late}}
    assert await outcome(world, account=user.platform.account, **word) == "connected_again"
    assert (await world.post(other, "/api/create-checkout", {"tier": "pro"})).status_code == 200


async def test_an_account_that_withdrew_before_we_were_told_is_a_409(world: World) -> None:
    user = await paying(world)
    await world.stripe.control("weather", drop=1.0)
    await world.stripe.control("disconnect", account=user.platform.account)
    answer = await world.post(user, "/api/customer-portal")
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_connected")


async def test_a_platform_without_an_account_or_of_the_other_mode_sells_nothing(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.connect(user.platform.platform_id, user.platform.account, livemode=True)
    answer = await world.post(user, "/api/create-checkout", {"tier": "basic"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "other_mode")


async def test_a_platform_that_changes_accounts_gets_customers_on_the_new_one(world: World) -> None:
    user, other = await paying(world), await world.platform()
    former = user.platform.account
    await world.connect(user.platform.platform_id, other.account)
    user.platform.account = other.account
    await world.publish(user.platform, TIERS, other.catalog)
    assert (await world.post(user, "/api/customer-portal")).json()["reason"] == "no_customer"
    await world.subscribe(user, "pro")
    await world.settled()
    assert (await world.record(user)).account == other.account != former
    assert await world.limit(user) == PRO


async def test_a_word_of_the_very_second_of_the_connection_is_settled_by_asking_stripe(world: World) -> None:
    platform = await world.platform()
    now = int((await world.stripe.look("clock"))["now"])
    await world.connect(platform.platform_id, platform.account, connected_at=now)
    word = {"type": "account.application.deauthorized", "created": now, "data": {"object": {"id": "ca_1"}}}
    assert await outcome(world, account=platform.account, **word) == "connected_again"
    await world.stripe.control("weather", drop=1.0)
    await world.stripe.control("disconnect", account=platform.account)
    assert await outcome(world, account=platform.account, **word) == "disconnected"

"""Whatever the weather: lost, doubled, reordered and concurrent events, a failing Stripe or Clerk, end in the truth."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import examples
from tests.tenant_api.billing.world import BASIC, FREE, MAX, PRO, EndUser, Platform, World, world

ACTIONS = ["cancel", "keep", "cancel_now", "renew", "subscribe", "basic", "pro", "max"]
LIMITS = {"basic": BASIC, "pro": PRO, "max": MAX}


async def one_held_event(world: World, user: EndUser) -> str:
    """A payment of which a single event is left."""
    await world.stripe.control("weather", hold=True)
    await world.subscribe(user, "pro")
    held = (await world.stripe.look("deliveries", state="held"))["deliveries"]
    await world.stripe.control("discard", events=[one["event"] for one in held[1:]])
    return str(held[0]["event"])


@pytest.mark.asyncio(loop_scope="session")
async def test_one_event_fifty_times_at_once_is_applied_once_and_always_taken(world: World) -> None:
    user = await world.end_user(await world.platform())
    event = await one_held_event(world, user)
    before = await world.record(user)
    answer = await world.stripe.control("redeliver", event=event, times=50, concurrently=True)
    assert answer["statuses"] == [200] * 50
    assert (await world.record(user)).version == before.version + 1
    assert await world.limit(user) == PRO


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("fault", [500, 429, "lost_answer"])
async def test_a_stripe_that_fails_for_a_while_is_asked_again(world: World, fault: int | str) -> None:
    user = await world.end_user(await world.platform())
    url = await world.checkout(user, "basic")
    failing = {"path": "/v1/subscriptions", "status": fault, "times": 8, "account": user.platform.account}
    await world.stripe.control("faults", next=[failing])
    await world.stripe.browser.post(url, data={"card": "4242424242424242"})
    await world.settled()
    assert (await world.stripe.look("faults"))["left"] == 0
    assert await world.limit(user) == BASIC


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("fault", [500, 429, 2.5])
async def test_a_clerk_that_fails_for_a_while_loses_nothing(world: World, fault: float) -> None:
    user = await world.end_user(await world.platform())
    event = await one_held_event(world, user)
    world.clerk_faults.extend([fault, fault])
    answers = [(await world.stripe.control("redeliver", event=event, times=1))["statuses"] for _ in range(3)]
    assert answers == [[503], [503], [200]]
    assert user.metadata["plan"] == "pro"
    assert await world.limit(user) == PRO


@pytest.mark.asyncio(loop_scope="session")
async def test_a_checkout_asked_again_after_a_lost_answer_is_the_same(world: World) -> None:
    user = await world.end_user(await world.platform())
    faults = [{"path": path, "status": "lost_answer"} for path in ("/v1/customers", "/v1/checkout/sessions")]
    await world.stripe.control("faults", next=faults)
    first = await world.checkout(user, "pro")
    both = await asyncio.gather(*(world.checkout(user, "pro") for _ in range(4)))
    assert set(both) == {first}
    on = {"stripe_account": user.platform.account}
    assert len((await world.stripe.ask.customers.list_async({}, on)).data) == 1


@pytest.mark.asyncio(loop_scope="session")
async def test_reconcile_finds_and_heals_what_no_event_told(fresh_world: World) -> None:
    world = fresh_world
    platform, other = await world.platform(), await world.platform()
    user, stranger = await world.end_user(platform), await world.end_user(other)
    await world.stripe.control("weather", drop=1.0)
    for one in (user, stranger):
        await world.subscribe(one, "pro")
    await world.settled()
    assert await world.limit(user) == FREE
    async with world.billing() as billing:
        dry = [finding async for finding in billing.reconcile.everything(dry=True)]
        assert {one.subject for one in dry} == {user.subject, stranger.subject}
        assert await world.limit(user) == FREE
        assert [one async for one in billing.reconcile.everything()] == dry
        assert [await world.limit(one) for one in (user, stranger)] == [PRO, PRO]
        user.clerk["public_metadata"] = {"platformId": platform.platform_id, "plan": "free"}
        (found,) = [finding async for finding in billing.reconcile.everything()]
        assert found.clerk_differed
        assert user.metadata["plan"] == "pro"
        assert [finding async for finding in billing.reconcile.everything()] == []


def test_any_order_of_events_and_any_loss_ends_in_what_stripe_says(endpoint: str, prefix: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        opened = world(endpoint, prefix, tmp_path)
        there = runner.run(opened.__aenter__())
        platform = runner.run(there.platform())

        @settings(max_examples=examples(6), deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.sampled_from(ACTIONS), max_size=4), st.integers(0, 2**32), st.booleans())
        def holds(actions: list[str], seed: int, lossy: bool) -> None:
            # A seed, not drawn chance: how many events there are is not Hypothesis's to know.
            runner.run(lived(there, platform, actions, random.Random(seed), lossy=lossy))

        holds()
        runner.run(opened.__aexit__(None, None, None))


async def lived(world: World, platform: Platform, actions: list[str], chance: random.Random, *, lossy: bool) -> None:
    """One end-user's story under held events, which then come in any order, some twice, some never."""
    user = await world.end_user(platform)
    await world.stripe.control("weather", hold=True)
    await world.subscribe(user, "basic")
    for action in actions:
        await act(world, user, action)
    held = [one["event"] for one in (await world.stripe.look("deliveries", state="held"))["deliveries"]]
    chance.shuffle(held)
    lost = [one for one in held if lossy and chance.random() < 0.5]
    kept = [one for one in held if one not in lost]
    await world.stripe.control("discard", events=lost)
    release = world.stripe.control("release", events=kept, concurrently=chance.random() < 0.5)
    if chance.random() < 0.5:
        await release
    else:  # a walk of reconcile beside live traffic
        async with world.billing() as billing:
            await asyncio.gather(release, *(billing.reconcile.one(user.subject) for _ in range(3)))
    await world.stripe.control("weather")
    for event in chance.sample(kept, min(2, len(kept))):
        await world.stripe.control("redeliver", event=event, times=3, concurrently=True)
    await world.settled()
    if lost:
        async with world.billing() as billing:
            await billing.reconcile.one(user.subject)
    live = [one for one in await world.truth(user) if one["status"] in {"active", "trialing"}]
    assert len(live) <= 1
    paid = [platform.catalog.tier_of(one["items"]["data"][0]["price"]["id"]) for one in live]
    plan = paid[0] if paid else None
    assert await world.limit(user) == (FREE if plan is None else LIMITS[plan])
    assert user.metadata["plan"] == (plan or "free")


async def act(world: World, user: EndUser, action: str) -> None:
    """Something that happens to a subscription; what is impossible just then does not happen."""
    if action == "renew":
        await world.stripe.advance(31.5)
        return
    if action == "subscribe":
        answer = (await world.post(user, "/api/create-checkout", {"tier": "max"})).json()
        if not answer["portal"]:
            await world.stripe.browser.post(answer["url"], data={"card": "4242424242424242"})
        return
    url = (await world.post(user, "/api/customer-portal")).json()["url"]
    subscription = (await world.truth(user))[0]["id"]
    fields = {"do": action, "subscription": subscription}
    if action in LIMITS:
        fields = {"do": "change", "subscription": subscription, "price": user.platform.price(action)}
    await world.stripe.browser.post(url, data=fields)

"""Whatever the weather: lost, doubled, reordered and concurrent events, and a failing Stripe, end in the truth."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.sandbox.clerk_state import User
from platform_api.reconcile import reconciling
from tests.effort import examples
from tests.platform_api.billing.world import World, world


@pytest.fixture(name="world")
def own_world(fresh_world: World) -> World:
    return fresh_world


ACTIONS = ["cancel", "keep", "cancel_now", "renew", "subscribe"]


async def test_one_event_fifty_times_at_once_is_applied_once_and_always_taken(world: World) -> None:
    user = await world.developer()
    await world.stripe.control("weather", hold=True)
    await world.subscribe(user)
    held = (await world.stripe.look("deliveries", state="held"))["deliveries"]
    await world.stripe.control("discard", events=[one["event"] for one in held[1:]])
    before = await world.record(user)
    answer = await world.stripe.control("redeliver", event=held[0]["event"], times=50, concurrently=True)
    assert answer["statuses"] == [200] * 50
    assert (await world.record(user)).version == before.version + 1
    assert await world.limit(user) == 500


@pytest.mark.parametrize("fault", [500, 429, "lost_answer"])
async def test_a_stripe_that_fails_for_a_while_is_asked_again_until_the_plan_is_right(
    world: World, fault: int | str
) -> None:
    user = await world.developer()
    url = (await world.post(user, "/create-checkout")).json()["checkoutUrl"]
    await world.stripe.control("faults", next=[{"path": "/v1/subscriptions", "status": fault, "times": 4}])
    await world.stripe.browser.post(url, data={"card": "4242424242424242"})
    await world.settled()
    assert (await world.stripe.look("faults"))["left"] == 0
    assert await world.limit(user) == 500
    counts = (await world.stripe.look("deliveries"))["counts"]
    assert set(counts) <= {"delivered"}


@pytest.mark.parametrize("fault", [500, 429, 2.5])
async def test_a_clerk_that_fails_for_a_while_loses_nothing_and_no_delivery_is_taken_too_soon(
    world: World, fault: float
) -> None:
    user = await world.developer()
    await world.stripe.control("weather", hold=True)
    await world.subscribe(user)
    held = (await world.stripe.look("deliveries", state="held"))["deliveries"]
    await world.stripe.control("discard", events=[one["event"] for one in held[1:]])
    world.clerk_faults.extend([fault, fault])
    send = {"event": held[0]["event"], "times": 1}
    answers = [(await world.stripe.control("redeliver", **send))["statuses"] for _ in range(3)]
    assert answers == [[503], [503], [200]]
    assert world.metadata(user)["plan"] == "paid"
    assert await world.limit(user) == 500


async def test_who_cannot_be_compared_is_told_and_stops_nobody_else(world: World) -> None:
    users = [await world.developer() for _ in range(3)]
    await world.stripe.control("weather", drop=1.0)
    for user in users:
        await world.subscribe(user)
    await world.settled()
    await world.stripe.control("faults", next=[{"path": "/v1/subscriptions", "status": 401}])
    async with world.billing() as billing:
        found = [finding async for finding in billing.reconcile.everything()]
    assert sorted(one.failed is None for one in found) == [False, True, True]
    assert [str(one).endswith("could not be compared: AuthenticationError") for one in found].count(True) == 1
    assert sorted([await world.limit(user) for user in users]) == [5, 500, 500]


async def test_the_background_heals_by_itself(world: World) -> None:
    user = await world.developer()
    await world.stripe.control("weather", drop=1.0)
    await world.subscribe(user)
    await world.settled()
    async with world.billing() as billing, reconciling(billing, 0.05), asyncio.timeout(10):
        while await world.limit(user) == 5:
            await asyncio.sleep(0.05)
    async with reconciling(None, 0.05), world.billing() as billing, reconciling(billing, 0):
        pass


async def test_reconcile_finds_and_heals_what_no_event_told(world: World) -> None:
    user = await world.developer()
    await world.stripe.control("weather", drop=1.0)
    await world.subscribe(user)
    await world.settled()
    assert await world.limit(user) == 5
    async with world.billing() as billing:
        dry = [finding async for finding in billing.reconcile.everything(dry=True)]
        assert [one.subject for one in dry] == [user["id"]]
        assert await world.limit(user) == 5
        assert [str(one) async for one in billing.reconcile.everything()] == [str(dry[0])]
        assert await world.limit(user) == 500
        user["public_metadata"] = {"plan": "free"}
        (found,) = [finding async for finding in billing.reconcile.everything()]
        assert found.clerk_differed
        assert world.clerk.users[user["id"]]["public_metadata"]["plan"] == "paid"
        assert [finding async for finding in billing.reconcile.everything()] == []


def test_any_order_of_events_and_any_loss_ends_in_what_stripe_says(endpoint: str, prefix: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        opened = world(endpoint, prefix, tmp_path)
        there = runner.run(opened.__aenter__())

        @settings(max_examples=examples(6), deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.sampled_from(ACTIONS), max_size=4), st.integers(0, 2**32), st.booleans())
        def holds(actions: list[str], seed: int, lossy: bool) -> None:
            # A seed, not drawn chance: how many events there are is not Hypothesis's to know.
            runner.run(lived(there, actions, random.Random(seed), lossy=lossy))

        holds()
        runner.run(opened.__aexit__(None, None, None))


async def lived(world: World, actions: list[str], chance: random.Random, *, lossy: bool) -> None:
    """One developer's story under held events, which then come in any order, some twice, some never."""
    user = await world.developer()
    await world.stripe.control("weather", hold=True)
    await world.subscribe(user)
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
            await asyncio.gather(release, *(billing.reconcile.one(user["id"]) for _ in range(3)))
    await world.stripe.control("weather")
    for event in chance.sample(kept, min(2, len(kept))):
        await world.stripe.control("redeliver", event=event, times=3, concurrently=True)
    await world.settled()
    if lost:
        async with world.billing() as billing:
            await billing.reconcile.one(user["id"])
    live = [one for one in await world.truth(user) if one["status"] in {"active", "trialing"}]
    assert len(live) <= 1
    assert await world.limit(user) == (500 if live else 5)
    assert world.clerk.users[user["id"]]["public_metadata"].get("subscribed", False) == bool(live)


async def act(world: World, user: User, action: str) -> None:
    """Something that happens to a subscription; what is impossible just then does not happen."""
    if action == "renew":
        await world.stripe.advance(31.5)
        return
    if action == "subscribe":
        answer: dict[str, Any] = (await world.post(user, "/create-checkout")).json()
        if not answer.get("portal", True):
            await world.stripe.browser.post(answer["checkoutUrl"], data={"card": "4242424242424242"})
        return
    url = (await world.post(user, "/customer-portal")).json()["url"]
    subscription = (await world.truth(user))[0]["id"]
    await world.stripe.browser.post(url, data={"do": action, "subscription": subscription})

"""A platform's revenue is what its account at Stripe has taken from its end-users, less what it gave back."""

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.billing.reconcile import Finding
from shared.domain.periods import Month
from tenant_api.repositories.revenue import RevenueRows
from tests.tenant_api.billing.world import EndUser, Platform, World, world

pytestmark = [pytest.mark.store]

ACTIONS = ["renew", "part", "rest", "refused", "max"]


async def charges(there: World, user: EndUser) -> list[Any]:
    """Newest first."""
    on = {"stripe_account": user.platform.account}
    asked = {"customer": (await there.record(user)).customer_id}
    return list((await there.stripe.ask.charges.list_async(asked, on)).data)


async def refund(there: World, user: EndUser, charge: Any, amount: int | None = None) -> str:
    params = {"charge": charge.id} | ({} if amount is None else {"amount": amount})
    on = {"stripe_account": user.platform.account}
    return str((await there.stripe.ask.refunds.create_async(params, on)).id)


async def revenue(there: World, platform: Platform) -> dict[Month, int]:
    """What the service says, months without anything left out."""
    rows = await RevenueRows(there.dynamo, there.settings.table("tenant-usage")).of_platform(platform.platform_id)
    return {one.month: one.amount_minor for one in rows if one.amount_minor}


async def truth(there: World, platform: Platform) -> dict[Month, int]:
    """What Stripe says."""
    taken: dict[Month, int] = defaultdict(int)
    on, ask = {"stripe_account": platform.account}, there.stripe.ask
    for invoice in (await ask.invoices.list_async({"status": "paid", "limit": 100}, on)).data:
        taken[month(invoice.status_transitions.paid_at)] += invoice.amount_paid
    for one in (await ask.refunds.list_async({"limit": 100}, on)).data:
        taken[month(one.created)] -= one.amount if one.status == "succeeded" else 0
    return {of: amount for of, amount in taken.items() if amount}


def month(instant: int) -> Month:
    return Month.of(datetime.fromtimestamp(instant, UTC))


async def swept(there: World, platform: Platform, *, dry: bool = False) -> list[Finding]:
    async with there.billing() as billing:
        return [one async for one in billing.sweep.platform(platform.platform_id, dry=dry)]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_refund_of_somebody_who_is_no_end_user_is_not_taken_off(world: World) -> None:
    user = await world.end_user(await world.platform())
    account = user.platform.account
    await world.subscribe(user, "basic")
    stranger = await world.stripe.subscribed(user.platform.price("pro"), account)
    on = {"stripe_account": account}
    [charge] = (await world.stripe.ask.charges.list_async({"customer": stranger.customer}, on)).data
    await refund(world, user, charge)
    await world.settled()
    assert list((await revenue(world, user.platform)).values()) == [900]
    assert await swept(world, user.platform) == []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_refund_is_taken_off_the_month_it_is_made_in(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "pro")
    await world.settled()
    first = await revenue(world, user.platform)
    await world.stripe.advance(31.5)
    [_, charge] = await charges(world, user)
    await refund(world, user, charge, 900)
    await world.settled()
    after = await revenue(world, user.platform)
    assert after == await truth(world, user.platform)
    [then] = first
    assert (after[then], after[max(after)]) == (2900, 2900 - 900)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_refund_that_failed_counts_again(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "pro")
    made = await refund(world, user, (await charges(world, user))[0])
    await world.settled()
    assert await revenue(world, user.platform) == {}
    await world.stripe.control("fail_refund", refund=made, account=user.platform.account)
    await world.settled()
    assert list((await revenue(world, user.platform)).values()) == [2900]


@pytest.mark.asyncio(loop_scope="session")
async def test_reconcile_counts_a_payment_and_a_refund_whose_events_were_lost(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.stripe.control("weather", drop=1.0)
    await world.subscribe(user, "pro")
    await refund(world, user, (await charges(world, user))[0], 400)
    await world.settled()
    dry = await swept(world, user.platform, dry=True)
    assert [one.subject for one in dry] == [user.subject] * 2
    assert "2900 usd" in str(dry[0])
    assert "400 usd" in str(dry[1])
    assert await revenue(world, user.platform) == {}
    assert await swept(world, user.platform) == dry
    assert list((await revenue(world, user.platform)).values()) == [2500]
    assert await swept(world, user.platform) == []


def test_whatever_becomes_of_events_revenue_is_what_stripe_says(endpoint: str, prefix: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        opened = world(endpoint, prefix, tmp_path)
        there = runner.run(opened.__aenter__())

        @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=5), st.integers(0, 2**32))
        def holds(actions: list[str], seed: int) -> None:
            # A seed, not drawn chance: how many events there are is not Hypothesis's to know.
            runner.run(lived(there, actions, random.Random(seed)))

        holds()
        runner.run(opened.__aexit__(None, None, None))


async def lived(there: World, actions: list[str], chance: random.Random) -> None:
    """Payments and refunds whose events come in any order, some twice, some never, while reconcile looks."""
    user = await there.end_user(await there.platform())
    await there.stripe.control("weather", hold=True)
    await there.subscribe(user, "basic")
    for action in actions:
        await act(there, user, action, chance)
    held = [one["event"] for one in (await there.stripe.look("deliveries", state="held"))["deliveries"]]
    chance.shuffle(held)
    lost = [one for one in held if chance.random() < 0.4]
    kept = [one for one in held if one not in lost]
    await there.stripe.control("discard", events=lost)
    release = there.stripe.control("release", events=kept, concurrently=chance.random() < 0.5)
    await asyncio.gather(release, swept(there, user.platform))
    await there.stripe.control("weather")
    for event in chance.sample(kept, min(2, len(kept))):
        await there.stripe.control("redeliver", event=event, times=3, concurrently=True)
    await there.settled()
    await swept(there, user.platform)
    assert await revenue(there, user.platform) == await truth(there, user.platform)


async def act(there: World, user: EndUser, action: str, chance: random.Random) -> None:
    """What is impossible just then does not happen."""
    if action == "renew":
        await there.stripe.advance(31.5)
    elif action == "max":
        await there.in_portal(user, "change", price=user.platform.price("max"))
    elif action == "refused":
        on = {"stripe_account": user.platform.account}
        for one in (await there.stripe.ask.refunds.list_async({"limit": 1}, on)).data:
            if one.status == "succeeded":
                await there.stripe.control("fail_refund", refund=one.id, account=user.platform.account)
    else:
        charge = chance.choice(await charges(there, user))
        left = charge.amount - charge.amount_refunded
        if left > 1:
            await refund(there, user, charge, None if action == "rest" else chance.randrange(1, left))

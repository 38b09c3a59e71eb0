"""What a developer sees of money and of Stripe's events: subscribers, recurring revenue, what was paid, replays."""

from typing import Any

import pytest
import pytest_asyncio

from tests.tenant_api.billing.world import Platform, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def this_month(fresh_world: World) -> World:
    """A world whose Stripe nobody has moved on: what is paid there is paid in the month that the service counts."""
    return fresh_world


async def ask(world: World, platform: Platform, path: str, **query: Any) -> Any:
    headers = {"Authorization": f"Bearer {platform.key}"}
    answer = await world.http.get(f"{world.urls[0]}/api/developer/{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def replay(world: World, platform: Platform, event_id: str) -> Any:
    headers = {"Authorization": f"Bearer {platform.key}"}
    url = f"{world.urls[0]}/api/developer/events/replay"
    return await world.http.post(url, headers=headers, json={"eventId": event_id})


async def test_an_event_of_another_platform_can_not_be_replayed(world: World) -> None:
    user, stranger = await world.end_user(await world.platform()), await world.platform()
    await world.subscribe(user, "basic")
    await world.settled()
    [event, *_] = (await ask(world, user.platform, "events"))["events"]
    assert (await replay(world, stranger, event["id"])).status_code == 404
    assert (await ask(world, stranger, "events"))["events"] == []


async def test_subscribers_and_revenue_are_seen_once_they_have_paid(this_month: World) -> None:
    platform = await this_month.platform()
    users = [await this_month.end_user(platform) for _ in range(3)]
    for user, tier in zip(users, ["basic", "pro", "max"], strict=True):
        await this_month.subscribe(user, tier)
    await this_month.settled()
    found = await ask(this_month, platform, "dashboard")
    tiers = {one["tier"]: (one["subscribers"], one["mrr"]) for one in found["byTier"] if one["subscribers"]}
    assert tiers == {"basic": (1, {"usd": 900}), "pro": (1, {"usd": 2900}), "max": (1, {})}
    assert found["revenue"] == [{"currency": "usd", "mrr": 3800, "thisMonth": 3800, "lastMonth": 0}]
    page = await ask(this_month, platform, "customers", status="active")
    assert sorted(one["plan"] for one in page["customers"]) == ["basic", "pro"]
    detail = await ask(this_month, platform, "customer", userId=users[0].id)
    assert (detail["subscription"]["status"], detail["subscription"]["tier"]) == ("active", "basic")
    assert (detail["plan"], detail["used"], detail["lastSeen"]) == ("basic", 0, None)


async def test_who_has_cancelled_is_no_subscriber_and_what_they_paid_stays(this_month: World) -> None:
    user = await this_month.end_user(await this_month.platform())
    await this_month.subscribe(user, "pro")
    await this_month.settled()
    await this_month.in_portal(user, "cancel_now")
    await this_month.settled()
    found = await ask(this_month, user.platform, "dashboard")
    assert all(not one["subscribers"] for one in found["byTier"])
    assert [(one["mrr"], one["thisMonth"]) for one in found["revenue"]] == [(0, 2900)]
    assert (await ask(this_month, user.platform, "customer", userId=user.id))["subscription"]["status"] == "canceled"


async def test_an_event_replayed_is_worked_on_again_and_adds_nothing_twice(this_month: World) -> None:
    user = await this_month.end_user(await this_month.platform())
    await this_month.subscribe(user, "basic")
    await this_month.settled()
    events = (await ask(this_month, user.platform, "events"))["events"]
    assert {one["status"] for one in events} == {"done"}
    [paid] = [one for one in events if one["type"] == "invoice.paid"]
    answer = (await replay(this_month, user.platform, paid["id"])).json()
    assert (answer["outcome"], answer["status"], answer["attempts"]) == ("unchanged", "done", paid["attempts"] + 1)
    assert answer["receivedAt"] == paid["receivedAt"]
    assert (await ask(this_month, user.platform, "dashboard"))["revenue"][0]["thisMonth"] == 900


async def test_events_are_paged_the_newest_first(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.subscribe(user, "basic")
    await world.settled()
    whole = (await ask(world, user.platform, "events"))["events"]
    first = await ask(world, user.platform, "events", limit=2)
    second = await ask(world, user.platform, "events", limit=100, cursor=first["next"])
    assert [*first["events"], *second["events"]] == whole
    instants = [one["receivedAt"] for one in whole]
    assert instants == sorted(instants, reverse=True)

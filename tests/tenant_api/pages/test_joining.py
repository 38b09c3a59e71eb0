"""Joining a platform: the first one wins, whatever races or breaks in between, and nothing else in Clerk is touched."""

import asyncio
from secrets import token_hex
from typing import Any

import httpx2
import pytest

from infra.sandbox.clerk_state import User
from tests.tenant_api.billing.world import PAGES, Platform, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOWHERE = "plt_" + "0" * 32


def person(world: World, **metadata: Any) -> User:
    """Somebody signed up with Clerk and with no platform yet."""
    return world.clerk.create_user(f"new-{token_hex(6)}@example.com", public_metadata=metadata)


async def token(world: World, user: User, template: str | None = "end-user-api") -> str:
    asked = {"userId": user["id"], "template": template, "origin": PAGES}
    jwt: str = (await world.clerk_http.post("/_sandbox/token", json=asked)).json()["jwt"]
    return jwt


async def join(
    world: World, user: User, platform: Platform | str, instance: int = 0, template: str | None = "end-user-api"
) -> httpx2.Response:
    platform_id = platform if isinstance(platform, str) else platform.platform_id
    headers = {"Authorization": f"Bearer {await token(world, user, template)}"}
    return await world.http.post(
        world.urls[instance] + "/api/signup", headers=headers, json={"platformId": platform_id}
    )


@pytest.mark.parametrize("template", ["end-user-api", None])
async def test_joins_the_platform_on_its_free_tier_with_any_token_of_the_app(
    world: World, template: str | None
) -> None:
    platform, user = await world.platform(), person(world)
    answer = await join(world, user, platform, template=template)
    assert (answer.status_code, answer.json()) == (200, {"platformId": platform.platform_id, "plan": "free"})
    assert user["public_metadata"] == {"platformId": platform.platform_id, "plan": "free"}
    fresh = {"Authorization": f"Bearer {await token(world, user)}"}
    counted = await world.http.post(world.urls[1] + "/api/data", headers=fresh)
    assert (counted.status_code, counted.json()["usage"]["plan"]) == (200, "free")


async def test_keeps_whatever_else_clerk_knows(world: World) -> None:
    platform, user = await world.platform(), person(world, theme={"dark": True}, since=2020)
    user["private_metadata"] = {"note": 1}
    assert (await join(world, user, platform)).status_code == 200
    joined = {"platformId": platform.platform_id, "plan": "free"}
    assert user["public_metadata"] == {"theme": {"dark": True}, "since": 2020, **joined}
    assert user["private_metadata"] == {"note": 1}


async def test_joining_again_changes_nothing(world: World) -> None:
    platform, user = await world.platform(), person(world)
    await join(world, user, platform)
    user["public_metadata"]["plan"] = "pro"
    touched = user["updated_at"]
    for template in ("end-user-api", None):
        assert (await join(world, user, platform, template=template)).json()["plan"] == "pro"
    assert user["updated_at"] == touched


async def test_a_second_platform_is_refused_and_changes_nothing(world: World) -> None:
    first, second, user = await world.platform(), await world.platform(), person(world)
    await join(world, user, first)
    before = dict(user)
    for template in ("end-user-api", None):
        answer = await join(world, user, second, template=template)
        assert (answer.status_code, answer.json()["reason"]) == (409, "other_platform")
        assert first.platform_id not in answer.text
    assert dict(user) == before


async def test_a_platform_that_clerk_names_already_counts_as_the_first(world: World) -> None:
    first, second = await world.platform(), await world.platform()
    user = person(world, platformId=first.platform_id, plan="basic")
    assert (await join(world, user, second, template=None)).status_code == 409
    assert (await join(world, user, first, template=None)).json()["plan"] == "basic"


async def test_of_two_platforms_at_once_exactly_one_wins(world: World) -> None:
    platforms, user = [await world.platform() for _ in range(2)], person(world)
    attempts = [(platform, instance) for platform in platforms for instance in (0, 1)] * 3
    answers = await asyncio.gather(*(join(world, user, platform, instance) for platform, instance in attempts))
    won = {
        platform.platform_id
        for (platform, _), answer in zip(attempts, answers, strict=True)
        if answer.status_code == 200
    }
    assert len(won) == 1
    for (platform, _), answer in zip(attempts, answers, strict=True):
        assert answer.status_code == (200 if platform.platform_id in won else 409), answer.text
    assert user["public_metadata"]["platformId"] in won


async def test_what_broke_before_clerk_was_told_is_healed_by_trying_again(world: World) -> None:
    first, second, user = await world.platform(), await world.platform(), person(world)
    world.clerk_faults.append(500)
    broken = await join(world, user, first)
    assert (broken.status_code, user["public_metadata"]) == (503, {})
    assert int(broken.headers["retry-after"]) >= 1
    assert (await join(world, user, second, 1)).status_code == 409
    assert user["public_metadata"] == {}
    assert (await join(world, user, first, 1)).status_code == 200
    assert user["public_metadata"]["platformId"] == first.platform_id


async def test_a_platform_that_is_not_there_is_a_404_and_claims_nobody(world: World) -> None:
    platform, user = await world.platform(), person(world)
    for odd in (NOWHERE, "plt_1", ""):
        assert (await join(world, user, odd)).status_code == 404
    assert (await join(world, user, platform)).status_code == 200


async def test_only_a_person_joins(world: World) -> None:
    platform, url = await world.platform(), world.urls[0] + "/api/signup"
    body = {"platformId": platform.platform_id}
    assert (await world.http.post(url, json=body)).status_code == 401
    for credential in (platform.key, "nonsense"):
        headers = {"Authorization": f"Bearer {credential}", "X-User-Id": "alice"}
        assert (await world.http.post(url, headers=headers, json=body)).status_code == 401


async def test_a_body_that_asks_for_more_is_refused(world: World) -> None:
    platform, user = await world.platform(), person(world)
    headers = {"Authorization": f"Bearer {await token(world, user)}"}
    for body in ({}, {"platformId": 7}, {"platformId": platform.platform_id, "plan": "max"}):
        answer = await world.http.post(world.urls[0] + "/api/signup", headers=headers, json=body)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert user["public_metadata"] == {}


async def test_who_is_deleted_meanwhile_is_told_to_sign_up_again(world: World) -> None:
    platform, user = await world.platform(), person(world)
    headers = {"Authorization": f"Bearer {await token(world, user)}"}
    del world.clerk.users[user["id"]]
    body = {"platformId": platform.platform_id}
    answer = await world.http.post(world.urls[0] + "/api/signup", headers=headers, json=body)
    assert (answer.status_code, "sign up again" in answer.json()["message"]) == (401, True)


async def test_clerk_is_not_asked_without_end(world: World) -> None:
    first, second, user = await world.platform(), await world.platform(), person(world)
    await join(world, user, first)
    answers = [await join(world, user, second) for _ in range(45)]  # 20 a minute, and the minute may turn once
    assert {answer.status_code for answer in answers} == {409, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)

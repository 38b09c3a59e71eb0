"""`/tiers` over HTTP: who is refused, what is refused, and what a developer gets."""

from typing import Any

import pytest

from tests.clocks import SetClock
from tests.oauth_bridge.conftest import Served
from tests.oauth_bridge.sides import PlatformSide, created

ROUTES = (
    ("GET", "/tiers"),
    ("PUT", "/tiers"),
    ("POST", "/tiers/publish"),
    ("GET", "/tiers/history"),
    ("POST", "/tiers/rollback"),
    ("POST", "/tiers/preview"),
    ("POST", "/tiers/preview/revoke"),
)
FREE: dict[str, Any] = {
    "name": "free",
    "displayName": "Free",
    "limit": 50,
    "price": {"amount": 0, "currency": "usd", "interval": "month"},
}
PRO: dict[str, Any] = {
    "name": "pro",
    "displayName": "Pro",
    "limit": -1,
    "rateLimitPerMinute": 600,
    "price": {"amount": 1900, "currency": "usd", "interval": "month"},
    "features": ["Everything"],
    "popular": True,
    "trialDays": 14,
}
GRANTED: dict[str, Any] = {"name": "partner", "displayName": "Partner", "limit": -1, "price": None}

BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"name": "Not Good"}, "name"),
    ({"displayName": ""}, "displayName"),
    ({"limit": 0}, "limit"),
    ({"limit": "50"}, "limit"),
    ({"limit": 1.5}, "limit"),
    ({"limit": True}, "limit"),
    ({"rateLimitPerMinute": 0}, "rateLimitPerMinute"),
    ({"price": {"amount": -1, "currency": "usd", "interval": "month"}}, "price.amount"),
    ({"price": {"amount": 9.99, "currency": "usd", "interval": "month"}}, "price.amount"),
    ({"price": {"amount": 1, "currency": "USD", "interval": "month"}}, "price.currency"),
    ({"price": {"amount": 1, "currency": "usd", "interval": "day"}}, "price.interval"),
    ({"price": {"amount": 1}}, "price.currency"),
    ({"features": ["x" * 121]}, "features"),
    ({"features": "all"}, "features"),
    ({"popular": "yes"}, "popular"),
    ({"trialDays": 3}, "trialDays"),
    ({"limits": 3}, "limits"),
    ({"display_name": "x"}, "display_name"),
]
BAD_LISTS: list[tuple[object, str]] = [
    ([], "tiers"),
    ([FREE, FREE | {"name": "gratis"}], "tiers"),
    ([FREE, GRANTED | {"name": "free"}], "tiers.1.name"),
    ("free", "tiers"),
]


@pytest.fixture
async def anna(served: Served, platform: PlatformSide, clock: SetClock) -> dict[str, str]:
    """The headers of a developer with credentials."""
    await platform.change(created(), clock.now, user_id="user_anna")
    return served.as_user("user_anna")


async def test_refuses_who_sends_no_token(served: Served) -> None:
    for method, path in ROUTES:
        answer = await served.http.request(method, path)
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated"), (method, path)


async def test_refuses_a_token_of_another_app(served: Served) -> None:
    token = served.issuer.token("user_anna", iss="https://end-users.example.com")
    answer = await served.http.get("/tiers", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_refuses_a_developer_without_platform(served: Served) -> None:
    for method, path in ROUTES:
        body = {"PUT /tiers": {"tiers": [FREE]}, "POST /tiers/rollback": {"version": 1}}.get(f"{method} {path}")
        answer = await served.http.request(method, path, headers=served.as_user("user_new"), json=body)
        assert answer.status_code == 409, (method, path)
        assert "generate credentials first" in answer.json()["message"]


async def test_every_bad_field_is_named(served: Served, anna: dict[str, str]) -> None:
    cases = BAD_LISTS + [([FREE | change], f"tiers.0.{field}") for change, field in BAD_FIELDS]
    unnamed = []
    for tiers, field in cases:
        answer = await served.http.put("/tiers", headers=anna, json={"tiers": tiers})
        named = [one["field"] for one in answer.json().get("errors", [])]
        if (answer.status_code, answer.json()["error"]) != (400, "invalid_request") or field not in named:
            unnamed.append((tiers, field, answer.status_code, named))
    assert unnamed == []


async def test_a_refused_draft_leaves_the_one_before(served: Served, anna: dict[str, str]) -> None:
    await served.http.put("/tiers", headers=anna, json={"tiers": [FREE]})
    await served.http.put("/tiers", headers=anna, json={"tiers": [FREE | {"limit": 0}]})
    assert (await served.http.get("/tiers", headers=anna)).json()["draft"]["tiers"][0]["limit"] == 50


async def test_a_priced_tier_is_not_published_before_stripe_is_connected(served: Served, anna: dict[str, str]) -> None:
    await served.http.put("/tiers", headers=anna, json={"tiers": [FREE, PRO]})
    answer = await served.http.post("/tiers/publish", headers=anna)
    assert answer.status_code == 409
    assert answer.json()["reason"] == "not_connected"
    assert answer.json()["tiers"] == ["pro"]
    state = (await served.http.get("/tiers", headers=anna)).json()
    assert state["published"]["version"] == 0
    assert [tier["name"] for tier in state["draft"]["tiers"]] == ["free", "pro"]


async def test_another_developer_neither_sees_nor_changes_my_tiers(
    served: Served, anna: dict[str, str], platform: PlatformSide, clock: SetClock
) -> None:
    await served.http.put("/tiers", headers=anna, json={"tiers": [FREE]})
    await served.http.post("/tiers/publish", headers=anna)
    mine = (await served.http.get("/tiers", headers=anna)).json()
    await platform.change(created(), clock.now, user_id="user_bert")
    bert = served.as_user("user_bert")
    seen = (await served.http.get("/tiers", headers=bert)).json()
    assert seen["platformId"] != mine["platformId"]
    assert seen["published"]["version"] == 0
    await served.http.put("/tiers", headers=bert, json={"tiers": [GRANTED]})
    await served.http.post("/tiers/publish", headers=bert)
    assert (await served.http.get("/tiers", headers=anna)).json() == mine


async def test_before_anything_is_drafted_the_default_is_shown(served: Served, anna: dict[str, str]) -> None:
    state = (await served.http.get("/tiers", headers=anna)).json()
    assert state["published"]["version"] == 0
    assert state["draft"]["tiers"] == state["published"]["tiers"]
    assert [tier["name"] for tier in state["draft"]["tiers"]] == ["free"]


async def test_a_draft_comes_back_as_it_was_sent_with_its_defaults(served: Served, anna: dict[str, str]) -> None:
    answer = await served.http.put("/tiers", headers=anna, json={"tiers": [FREE, PRO, GRANTED]})
    assert answer.status_code == 200
    defaults = {"rateLimitPerMinute": 100, "features": [], "popular": False, "trialDays": 0}
    assert answer.json()["draft"]["tiers"] == [defaults | FREE, PRO, defaults | GRANTED]


async def test_publishing_makes_a_version_and_an_unchanged_draft_makes_none(
    served: Served, anna: dict[str, str]
) -> None:
    await served.http.put("/tiers", headers=anna, json={"tiers": [FREE]})
    first = await served.http.post("/tiers/publish", headers=anna)
    again = await served.http.post("/tiers/publish", headers=anna)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["published"]["version"] == 1
    assert first.json()["published"]["tiers"] == first.json()["draft"]["tiers"]
    await served.http.put("/tiers", headers=anna, json={"tiers": [FREE | {"limit": 60}, GRANTED]})
    assert (await served.http.post("/tiers/publish", headers=anna)).json()["published"]["version"] == 2


async def test_the_history_tells_who_published_what_and_rollback_publishes_it_again(
    served: Served, anna: dict[str, str]
) -> None:
    for limit in (10, 20):
        await served.http.put("/tiers", headers=anna, json={"tiers": [FREE | {"limit": limit}]})
        await served.http.post("/tiers/publish", headers=anna)
    told = (await served.http.get("/tiers/history", headers=anna)).json()
    assert [(one["version"], one["tiers"][0]["limit"]) for one in told["versions"]] == [(2, 20), (1, 10)]
    assert {one["publishedBy"] for one in told["versions"]} == {"user_anna"}
    assert told["next"] is None
    older = (await served.http.get("/tiers/history?before=2", headers=anna)).json()
    assert [one["version"] for one in older["versions"]] == [1]
    back = await served.http.post("/tiers/rollback", headers=anna, json={"version": 1})
    assert back.status_code == 200
    assert (back.json()["published"]["version"], back.json()["published"]["tiers"][0]["limit"]) == (3, 10)
    assert back.json() == (await served.http.get("/tiers", headers=anna)).json()
    assert back.json()["draft"]["tiers"] == back.json()["published"]["tiers"]


async def test_a_version_that_never_was_is_a_404_and_an_odd_one_a_400(served: Served, anna: dict[str, str]) -> None:
    for version, status in ((7, 404), (0, 404), (-1, 404), ("1", 400), (None, 400)):
        answer = await served.http.post("/tiers/rollback", headers=anna, json={"version": version})
        assert answer.status_code == status, version
    for before in ("x", "-1", "1.5", "", "9" * 9):
        answer = await served.http.get(f"/tiers/history?before={before}", headers=anna)
        assert (answer.status_code, answer.json()["field"]) == (400, "before"), before

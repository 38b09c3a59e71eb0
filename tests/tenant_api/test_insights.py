"""The developers' routes over real sockets: figures that are the counts, lists, one end-user; each platform its own."""

import asyncio
from typing import Any

import httpx2
import pytest

from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from tests.tenant_api.service import Platform, Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

FREE = Price(0, "usd", "month")
TIERS = TierConfig(
    (
        Tier("free", "Free of charge", 5, UNLIMITED, FREE),
        Tier("pro", "Pro", 500, UNLIMITED, Price(2900, "usd", "month")),
        Tier("slow", "Slow", UNLIMITED, 1, None),
    ),
    1,
)
ROUTES = [
    ("GET", "/api/developer/dashboard"),
    ("GET", "/api/developer/customers"),
    ("GET", "/api/developer/customer?userId=alice"),
    ("GET", "/api/developer/events"),
    ("POST", "/api/developer/events/replay"),
]


async def ask(platform: Platform, path: str, **query: Any) -> Any:
    answer = await asked(platform, path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def asked(platform: Platform, path: str, **query: Any) -> httpx2.Response:
    sent = {"Authorization": f"Bearer {platform.key}"}
    return await platform.service.http.get(f"/api/developer/{path}", params=query, headers=sent)


def ids(page: Any) -> list[str]:
    return [one["userId"] for one in page["customers"]]


# -- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("credential", [None, "Bearer pk_live_nonsense", "Bearer eyJhbGciOi.J9.x", "Basic abc"])
async def test_without_a_key_that_is_valid_nothing_is_shown(
    service: Service, method: str, path: str, credential: str | None
) -> None:
    headers = {} if credential is None else {"Authorization": credential}
    answer = await service.http.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthenticated"


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_an_end_users_token_is_no_key(service: Service, method: str, path: str) -> None:
    platform = await service.platform(TIERS)
    headers = {"Authorization": f"Bearer {service.token(platform.platform_id)}"}
    assert (await service.http.request(method, path, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
        {"sort": "age"},
        {"cursor": "nonsense"},
        {"cursor": "bnVsbA=="},  # null
        {"cursor": "W1siIl0sIDBd"},  # [[""], 0]
        {"q": "x" * 1001},
    ],
)
async def test_a_query_that_can_not_be_read_is_a_400_that_names_the_field(
    service: Service, query: dict[str, str]
) -> None:
    answer = await asked(await service.platform(TIERS), "customers", **query)
    assert answer.status_code == 400
    assert answer.json()["field"] in query


async def test_an_end_user_never_seen_is_a_404_and_none_named_a_400(service: Service) -> None:
    platform = await service.platform(TIERS)
    assert (await asked(platform, "customer", userId="nobody")).status_code == 404
    missing = await asked(platform, "customer")
    assert (missing.status_code, missing.json()["field"]) == (400, "userId")


@pytest.mark.parametrize("body", [b"{}", b'{"eventId": 5}', b'{"eventId": ""}', b"nonsense"])
async def test_a_replay_of_no_event_is_a_400(service: Service, body: bytes) -> None:
    platform = await service.platform(TIERS)
    headers = {"Authorization": f"Bearer {platform.key}"}
    answer = await service.http.post("/api/developer/events/replay", content=body, headers=headers)
    assert answer.status_code == 400


async def test_a_replay_of_an_unknown_event_is_a_404(service: Service) -> None:
    platform = await service.platform(TIERS)
    headers = {"Authorization": f"Bearer {platform.key}"}
    answer = await service.http.post("/api/developer/events/replay", json={"eventId": "evt_1"}, headers=headers)
    assert answer.status_code == 404


async def test_one_platform_sees_nothing_of_another(service: Service) -> None:
    ours, theirs = await service.platform(TIERS), await service.platform(TIERS)
    await theirs.call("alice")
    await ours.call("bob")
    assert ids(await ask(ours, "customers")) == ["bob"]
    assert (await asked(ours, "customer", userId="alice")).status_code == 404
    assert (await ask(ours, "dashboard"))["calls"]["month"] == 1


# -- an empty account -------------------------------------------------------------------------------------------------


async def test_an_empty_account_has_zeros_everywhere(service: Service) -> None:
    platform = await service.platform(TIERS)
    found = await ask(platform, "dashboard")
    assert found["platformId"] == platform.platform_id
    assert found["name"] is None
    assert found["period"] == {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
    assert found["calls"] == {"month": 0, "today": 0, "refused": {"overQuota": 0, "rateLimited": 0}}
    assert found["users"] == {"active": 0}
    assert [one["tier"] for one in found["byTier"]] == ["free", "pro", "slow"]
    assert found["byTier"][0] == {
        "tier": "free",
        "displayName": "Free of charge",
        "activeUsers": 0,
        "calls": 0,
        "subscribers": 0,
        "mrr": {},
    }
    assert [one["date"] for one in found["daily"]][::29] == ["2026-10-26", "2026-11-24"]
    assert (found["nearLimit"], found["topUsers"], found["revenue"]) == ([], [], [])
    assert await ask(platform, "customers") == {"customers": [], "next": None, "cutShort": False}
    assert await ask(platform, "events") == {"events": [], "next": None}


# -- figures ----------------------------------------------------------------------------------------------------------


async def test_three_calls_are_on_the_dashboard_at_once(service: Service) -> None:
    platform = await service.platform(TIERS)
    for _ in range(3):
        await platform.call("alice")
    found = await ask(platform, "dashboard")
    assert found["calls"] == {"month": 3, "today": 3, "refused": {"overQuota": 0, "rateLimited": 0}}
    assert found["users"] == {"active": 1}
    assert found["daily"][-1] == {"date": "2026-11-24", "calls": 3, "refused": 0}
    [top] = found["topUsers"]
    assert top == {
        "userId": "alice",
        "plan": "free",
        "used": 3,
        "limit": 5,
        "remaining": 2,
        "lastSeen": "2026-11-24T12:00:00Z",
        "status": None,
    }


async def test_units_tiers_and_refusals_are_told_apart(service: Service) -> None:
    platform = await service.platform(TIERS)
    calls = [platform.call("alice", 2), platform.call("bob", 7, X_User_Plan="pro")]
    await asyncio.gather(*calls, *(platform.call("cleo", X_User_Plan="slow") for _ in range(4)))
    for _ in range(3):
        await platform.call("alice", 4)
    found = await ask(platform, "dashboard")
    assert found["calls"] == {"month": 10, "today": 10, "refused": {"overQuota": 3, "rateLimited": 3}}
    assert {one["tier"]: (one["activeUsers"], one["calls"]) for one in found["byTier"]} == {
        "free": (1, 2),
        "pro": (1, 7),
        "slow": (1, 1),
    }
    assert found["daily"][-1] == {"date": "2026-11-24", "calls": 10, "refused": 6}


async def test_who_has_used_most_of_a_finite_limit_is_near_it(service: Service) -> None:
    platform = await service.platform(TIERS)
    await platform.call("four", 4)
    await platform.call("five", 5)
    await platform.call("three", 3)
    await platform.call("many", 300, X_User_Plan="slow")
    await platform.call("upgraded", 5)
    await platform.call("upgraded", 5, X_User_Plan="pro")
    found = await ask(platform, "dashboard")
    assert [one["userId"] for one in found["nearLimit"]] == ["five", "four"]
    assert [one["userId"] for one in found["topUsers"]] == ["many", "upgraded", "five", "four", "three"]


async def test_a_month_begins_with_zeros_and_keeps_the_days_before(service: Service) -> None:
    platform = await service.platform(TIERS)
    await platform.call("alice", 2)
    service.clock.now = service.clock.now.replace(month=12, day=1)
    before = await ask(platform, "dashboard")
    assert (before["calls"]["month"], before["users"]["active"], before["topUsers"]) == (0, 0, [])
    await platform.call("alice", 3)
    found = await ask(platform, "dashboard")
    assert (found["calls"]["month"], found["calls"]["today"], found["users"]["active"]) == (3, 3, 1)
    shown = {one["date"]: one["calls"] for one in found["daily"] if one["calls"]}
    assert shown == {"2026-11-24": 2, "2026-12-01": 3}


async def test_one_end_user_has_their_days_of_the_month(service: Service) -> None:
    platform = await service.platform(TIERS)
    await platform.call("alice", 2)
    service.clock.advance(days=1)
    await platform.call("alice", 3)
    found = await ask(platform, "customer", userId="alice")
    assert (found["used"], found["limit"], found["remaining"]) == (5, 5, 0)
    assert (found["periodStart"], found["periodEnd"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert len(found["daily"]) == 30
    assert {one["date"]: one["calls"] for one in found["daily"] if one["calls"]} == {"2026-11-24": 2, "2026-11-25": 3}
    assert found["subscription"] is None


# -- lists ------------------------------------------------------------------------------------------------------------


async def test_lists_are_sorted_searched_filtered_and_paged(service: Service) -> None:
    platform = await service.platform(TIERS)
    for user, units, tier in [("ada", 3, "free"), ("adam", 9, "pro"), ("bea", 1, "free"), ("Ada", 2, "pro")]:
        await platform.call(user, units, X_User_Plan=tier)
    assert ids(await ask(platform, "customers")) == ["adam", "ada", "Ada", "bea"]
    assert ids(await ask(platform, "customers", sort="name")) == ["Ada", "ada", "adam", "bea"]
    assert ids(await ask(platform, "customers", q="ada", sort="name")) == ["ada", "adam"]
    assert ids(await ask(platform, "customers", tier="pro")) == ["adam", "Ada"]
    assert ids(await ask(platform, "customers", status="active")) == []
    first = await ask(platform, "customers", limit=3)
    second = await ask(platform, "customers", limit=3, cursor=first["next"])
    assert (ids(first), ids(second), second["next"]) == (["adam", "ada", "Ada"], ["bea"], None)


async def test_ids_of_every_alphabet_come_back_as_they_were_sent(service: Service) -> None:
    platform = await service.platform(TIERS)
    names = ["<script>alert(1)</script>", "名前#1", "a b:c#d", "~"]
    for name in names:
        answer = await service.http.post(
            "/api/data", headers={b"Authorization": f"Bearer {platform.key}".encode(), b"X-User-Id": name.encode()}
        )
        assert answer.status_code == 200
    assert sorted(ids(await ask(platform, "customers"))) == sorted(names)
    for name in names:
        assert (await ask(platform, "customer", userId=name))["userId"] == name

"""Metered calls of end-users over HTTP: limits by tier, exact over instances, and what each answer says."""

import asyncio
import io
from collections import Counter as Tally
from itertools import cycle

import httpx2
import pytest

from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from tests.tenant_api.service import PAGES, Platform, Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

FREE = Price(0, "usd", "month")


def tiers(limit: int = 5, rate: int = UNLIMITED) -> TierConfig:
    return TierConfig(
        (
            Tier("free", "Free", limit, rate, FREE),
            Tier("pro", "Pro", limit * 2, UNLIMITED),
            Tier("unlimited", "Unlimited", UNLIMITED, UNLIMITED),
        ),
        1,
    )


async def answers_of(platform: Platform, addresses: tuple[str, str], calls: int) -> list[httpx2.Response]:
    """Concurrent calls of one user over both instances."""
    urls = cycle(addresses)
    headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "alice"}
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        return list(await asyncio.gather(*(http.post(next(urls) + "/api/data", headers=headers) for _ in range(calls))))


async def test_refuses_every_call_after_the_last_over_two_instances(
    service: Service, addresses: tuple[str, str]
) -> None:
    platform = await service.platform(tiers(limit=5))
    answers = await answers_of(platform, addresses, 50)
    assert Tally(answer.status_code for answer in answers) == {200: 5, 403: 45}
    assert await platform.count() == 5


async def test_a_refusal_says_what_was_used_and_where_to_get_more(service: Service) -> None:
    platform = await service.platform(tiers(limit=2))
    await platform.call(units=2)
    answer = await platform.call(units=3)
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "tier_limit_reached",
        "message": answer.json()["message"],
        "requestId": answer.headers["X-Request-Id"],
        "usageCount": 2,
        "used": 2,
        "limit": 2,
        "requested": 3,
        "plan": "free",
        "resetsAt": "2026-12-01T00:00:00Z",
        "upgradeUrl": f"{PAGES}/p/{platform.platform_id}",
    }
    assert int(answer.headers["Retry-After"]) == 6 * 86_400 + 12 * 3600
    assert answer.headers["RateLimit"] == '"month";r=0;t=561600'


async def test_refuses_beyond_the_tiers_minute_until_the_next(service: Service) -> None:
    platform = await service.platform(tiers(limit=100, rate=3))
    service.clock.advance(seconds=20)
    statuses = [(await platform.call()).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = await platform.call()
    assert refused.json()["error"] == "rate_limited"
    assert refused.headers["Retry-After"] == "40"
    service.clock.advance(seconds=40)
    assert (await platform.call()).json()["usage"]["count"] == 4


async def test_an_unknown_tier_is_a_400_that_lists_the_known_ones(service: Service) -> None:
    platform = await service.platform(tiers())
    by_key: tuple[str, dict[str, str]] = (platform.key, {"X_User_Id": "alice", "X_User_Plan": "Pro"})
    for credential, headers in (by_key, (service.token(platform.platform_id, plan="gold"), {})):
        answer = await service.call(credential, headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "unknown_tier")
        assert answer.json()["knownTiers"] == ["free", "pro", "unlimited"]


async def test_without_a_tier_and_a_free_one_is_a_403(service: Service) -> None:
    platform = await service.platform(TierConfig((Tier("pro", "Pro", 9, price=Price(900, "usd", "month")),), 1))
    assert (await platform.call()).json()["error"] == "no_tier"
    assert (await platform.call(X_User_Plan="pro")).status_code == 200


@pytest.mark.parametrize("units", [0, -1, 1_000_001, 1.5, "3", True, None, [1]])
async def test_odd_units_are_a_400_that_names_the_field(service: Service, units: object) -> None:
    platform = await service.platform()
    headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "alice"}
    answer = await service.http.post("/api/data", headers=headers, json={"units": units})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "units"
    assert await platform.count() == 0


@pytest.mark.parametrize("body", [b"{", b"[]", b"NaN", b'{"units": NaN}', b"\xff", b"[" * 5000, b'{"unit": 1}'])
async def test_a_body_that_is_not_understood_is_a_400(service: Service, body: bytes) -> None:
    platform = await service.platform()
    headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "alice"}
    answer = await service.http.post("/api/data", headers=headers, content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_body_that_is_too_large_is_a_413(service: Service) -> None:
    platform = await service.platform()
    headers = {"Authorization": f"Bearer {platform.key}", "X-User-Id": "alice"}
    answer = await service.http.post("/api/data", headers=headers, content=b" " * 70_000)
    assert (answer.status_code, answer.json()["error"]) == (413, "payload_too_large")


async def test_an_idempotency_key_with_another_body_is_a_422(service: Service) -> None:
    platform = await service.platform()
    assert (await platform.call(units=1, Idempotency_Key="k")).status_code == 200
    answer = await platform.call(units=2, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["error"]) == (422, "idempotency_key_reused")
    assert await platform.count() == 1


async def test_a_retry_is_answered_as_before_and_says_so(service: Service) -> None:
    platform = await service.platform(tiers(limit=1))
    first = await platform.call(Idempotency_Key='"k"')
    again = await platform.call(Idempotency_Key="k")
    assert (again.status_code, again.json()) == (200, first.json())
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await platform.count() == 1


async def test_a_call_answers_its_count_and_limits(service: Service) -> None:
    platform = await service.platform(tiers(limit=10, rate=50))
    answer = await platform.call(units=4)
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "usage": {
            "count": 4,
            "limit": 10,
            "remaining": 6,
            "plan": "free",
            "periodStart": "2026-11-01T00:00:00Z",
            "periodEnd": "2026-12-01T00:00:00Z",
        },
    }
    assert answer.headers["RateLimit-Policy"] == '"minute";q=50;w=60, "month";q=10;w=2592000'
    assert answer.headers["RateLimit"] == '"minute";r=49;t=60, "month";r=6;t=561600'


async def test_an_unlimited_tier_says_so_and_sends_no_limit_headers(service: Service) -> None:
    platform = await service.platform(tiers())
    answer = await platform.call(X_User_Plan="unlimited")
    assert (answer.json()["usage"]["limit"], answer.json()["usage"]["remaining"]) == ("unlimited", "unlimited")
    assert "RateLimit" not in answer.headers


async def test_the_servers_plan_wins_and_a_larger_tier_goes_on_counting(service: Service) -> None:
    platform = await service.platform(tiers(limit=2))
    for _ in range(2):
        await platform.call()
    assert (await platform.call()).status_code == 403
    assert (await platform.call(X_User_Plan="pro")).json()["usage"] == {
        "count": 3,
        "limit": 4,
        "remaining": 1,
        "plan": "pro",
        "periodStart": "2026-11-01T00:00:00Z",
        "periodEnd": "2026-12-01T00:00:00Z",
    }


@pytest.mark.parametrize("plan", [None, "", 7, {"a": 1}])
async def test_a_claim_that_says_nothing_means_the_free_tier(service: Service, plan: object) -> None:
    platform = await service.platform(tiers())
    answer = await service.call(service.token(platform.platform_id, plan=plan))
    assert answer.json()["usage"]["plan"] == "free"


async def test_usage_starts_at_zero_in_a_new_month_also_when_only_read(service: Service) -> None:
    platform = await service.platform(tiers(limit=3))
    for _ in range(3):
        await platform.call()
    service.clock.advance(days=7)
    answer = await service.usage(platform.key, X_User_Id="alice")
    assert answer.json() == {
        "userId": "alice",
        "plan": "free",
        "usageCount": 0,
        "limit": 3,
        "remaining": 3,
        "periodStart": "2026-12-01T00:00:00Z",
        "periodEnd": "2027-01-01T00:00:00Z",
    }
    assert (await platform.call()).json()["usage"]["count"] == 1


async def test_until_tiers_are_published_there_are_100_free_calls(service: Service) -> None:
    platform = await service.platform()
    answer = await platform.call()
    assert (answer.json()["usage"]["limit"], answer.json()["usage"]["plan"]) == (100, "free")


async def test_a_call_is_one_line_in_the_log_without_the_key(service: Service, log: io.StringIO) -> None:
    platform = await service.platform()
    await platform.call()
    lines = [line for line in log.getvalue().splitlines() if '"/api/data"' in line]
    assert len(lines) == 1
    assert platform.key not in lines[0]
    for fact in ('"decision":"admitted"', '"used":1', '"userId":"alice"', f'"{platform.key[-4:]}"'):
        assert fact in lines[0]

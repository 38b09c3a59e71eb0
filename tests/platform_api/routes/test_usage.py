import asyncio
import hashlib
import io
import json
from collections import Counter
from typing import Any

import pytest

from platform_api import app
from platform_api.settings import Settings
from shared.adapters.dynamodb import Dynamo
from tests.clocks import SetClock
from tests.platform_api.service import Service
from tests.serving import serving
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")

MONTH = {"periodStart": "2026-11-01T00:00:00Z", "periodEnd": "2026-12-01T00:00:00Z"}
MONTH_LEFT = 6 * 86_400 + 12 * 3_600


async def use(service: Service, calls: int, **claims: Any) -> None:
    for _ in range(calls):
        assert (await service.post("/verify-auth", **claims)).status_code == 200


async def test_refuses_the_sixth_call_of_a_free_developer_and_says_what_to_do(service: Service) -> None:
    await use(service, 5)
    answer = await service.post("/verify-auth")
    said = answer.json()
    assert answer.status_code == 403
    assert said.pop("requestId") == answer.headers["X-Request-Id"]
    assert said == {
        "error": "usage_limit_reached",
        "message": "The free plan's 5 calls a month are used up; upgrade, or wait for next month.",
        "limit": 5,
        "used": 5,
        "resetsAt": "2026-12-01T00:00:00Z",
        "upgradeUrl": "https://platform.example.com/dashboard#billing",
    }
    assert answer.headers["Retry-After"] == str(MONTH_LEFT)
    assert answer.headers["RateLimit"] == f'"minute";r=95;t=60, "month";r=0;t={MONTH_LEFT}'
    assert answer.headers["RateLimit-Policy"] == '"minute";q=100;w=60, "month";q=5;w=2592000'


async def test_refuses_the_hundred_and_first_call_in_a_minute(service: Service, clock: SetClock) -> None:
    clock.advance(seconds=20)
    answers = await asyncio.gather(*(service.post("/verify-auth", plan="paid") for _ in range(105)))
    assert Counter(answer.status_code for answer in answers) == {200: 100, 429: 5}
    refused = next(answer for answer in answers if answer.status_code == 429)
    said = refused.json()
    assert (said["error"], said["limit"], said["resetsAt"]) == ("rate_limited", 100, "2026-11-24T12:01:00Z")
    assert refused.headers["Retry-After"] == "40"
    assert refused.headers["RateLimit"].startswith('"minute";r=0;t=40')
    clock.advance(seconds=40)
    assert (await service.post("/verify-auth", plan="paid")).json()["usage"]["count"] == 101


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "tab\there", "umläut"])
async def test_refuses_an_odd_idempotency_key(service: Service, key: str) -> None:
    raw = [(b"Authorization", b"Bearer " + service.token().encode()), (b"Idempotency-Key", key.encode())]
    answer = await service.http.post("/verify-auth", headers=raw)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await service.get("/usage")).json()["usageCount"] == 0


async def test_refuses_two_idempotency_keys(service: Service) -> None:
    headers = [("Authorization", f"Bearer {service.token()}"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await service.http.post("/verify-auth", headers=headers)).status_code == 400


async def test_refuses_an_idempotency_key_that_came_with_another_body(service: Service) -> None:
    headers = {"Idempotency-Key": "one"}
    assert (await service.post("/verify-auth", headers=headers, body={"a": 1})).status_code == 200
    answer = await service.post("/verify-auth", headers=headers, body={"a": 2})
    assert (answer.status_code, answer.json()["error"]) == (422, "idempotency_key_reused")
    assert (await service.get("/usage")).json()["usageCount"] == 1


async def test_refuses_a_body_too_large_without_counting(service: Service) -> None:
    answer = await service.post("/verify-auth", body="x" * 70_000)
    assert (answer.status_code, answer.json()["error"]) == (413, "payload_too_large")
    assert (await service.get("/usage")).json()["usageCount"] == 0


async def test_counts_a_call_and_says_where_the_developer_stands(service: Service) -> None:
    answer = await service.post("/verify-auth")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "userId": service.user,
        "plan": "free",
        "usage": {"count": 1, "limit": 5, "remaining": 4, "plan": "free", **MONTH},
    }
    assert answer.headers["RateLimit"] == f'"minute";r=99;t=60, "month";r=4;t={MONTH_LEFT}'
    assert "Idempotent-Replayed" not in answer.headers


async def test_a_paid_developer_has_five_hundred(service: Service) -> None:
    assert (await service.post("/verify-auth", plan="paid")).json()["usage"]["limit"] == 500


async def test_a_developer_who_pays_at_the_limit_goes_on(service: Service) -> None:
    await use(service, 5)
    assert (await service.post("/verify-auth")).status_code == 403
    answer = await service.post("/verify-auth", plan="paid")
    assert (answer.status_code, answer.json()["usage"]["count"]) == (200, 6)


async def test_the_next_month_starts_at_nothing(service: Service, clock: SetClock) -> None:
    await use(service, 5)
    clock.now = SetClock.at("2026-12-01T00:00:00").now
    assert (await service.post("/verify-auth")).json()["usage"]["count"] == 1


async def test_a_retry_with_the_same_key_gets_the_same_answer_and_counts_once(service: Service) -> None:
    first = await service.post("/verify-auth", headers={"Idempotency-Key": "one"})
    await use(service, 1)
    for key in ("one", '"one"'):
        again = await service.post("/verify-auth", headers={"Idempotency-Key": key})
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.json() == first.json()
    assert (await service.get("/usage")).json()["usageCount"] == 2


async def test_two_developers_may_use_the_same_idempotency_key(service: Service) -> None:
    for user in (service.user, service.user + "_2"):
        answer = await service.post("/verify-auth", user, {"Idempotency-Key": "one"})
        assert (answer.json()["userId"], answer.json()["usage"]["count"]) == (user, 1)


async def test_looking_at_the_usage_does_not_count(service: Service) -> None:
    await use(service, 2)
    for _ in range(3):
        answer = await service.get("/usage")
    numbers = {"usageCount": 2, "limit": 5, "remaining": 3}
    assert answer.json() == {"userId": service.user, "plan": "free", **numbers, **MONTH}


async def test_the_limit_is_exact_over_two_processes(settings: Settings, issuer: Issuer, clock: SetClock) -> None:
    first, second = app.build(settings, clock), app.build(settings, clock)
    async with (
        serving(first) as here,
        serving(second) as there,
        Service.at(here, issuer, clock) as one,
        Service.at(there, issuer, clock) as two,
    ):
        user = one.user
        answers = await asyncio.gather(*(side.post("/verify-auth", user) for side in (one, two) for _ in range(20)))
        assert Counter(answer.status_code for answer in answers) == {200: 5, 403: 35}
        assert (await two.get("/usage", user)).json()["usageCount"] == 5


async def test_is_stored_under_the_documented_name(service: Service, dynamo: Dynamo, settings: Settings) -> None:
    await use(service, 2)
    item = await dynamo.get(settings.table("platform-usage"), {"pk": f"usage:{service.user}", "sk": "usage"})
    assert item is not None
    assert item["usageCount"] == 2


async def test_the_log_line_tells_the_decision_and_no_secret(service: Service, log: io.StringIO) -> None:
    token = service.token()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "secret-looking-key"}
    await service.http.post("/verify-auth", headers=headers)
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    told = {name: line[name] for name in ("service", "route", "status", "userId", "decision", "used", "limit")}
    assert told == {
        "service": "platform_api",
        "route": "/verify-auth",
        "status": 200,
        "userId": service.user,
        "decision": "admitted",
        "used": 1,
        "limit": 5,
    }
    assert line["replayed"] is False
    assert token not in log.getvalue()
    assert "secret-looking-key" not in log.getvalue()
    assert hashlib.sha256(b"secret-looking-key").hexdigest() not in log.getvalue()

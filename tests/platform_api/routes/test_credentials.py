import io
import re

import pytest

from shared.domain import keys
from tests.clocks import SetClock
from tests.platform_api.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = "2026-11-24T12:00:00Z"


@pytest.mark.parametrize("path", ["/rotate-credentials", "/revoke-credentials"])
async def test_refuses_to_change_what_never_was(service: Service, path: str) -> None:
    answer = await service.post(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_has_nothing_to_show_before_the_first_generate(service: Service) -> None:
    answer = await service.get("/get-credentials")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert "POST /generate-credentials" in answer.json()["message"]


async def test_says_none_without_an_error_to_a_page_that_asks_so(service: Service) -> None:
    answer = await service.get("/get-credentials?orNone=true")
    assert (answer.status_code, answer.json()) == (200, {"platformId": None, "apiKey": None})
    made = (await service.post("/generate-credentials")).json()
    assert (await service.get("/get-credentials?orNone=true")).json()["apiKey"] == made["apiKey"]


@pytest.mark.parametrize(
    "body",
    [
        {"overlapHours": -1},
        {"overlapHours": 169},
        {"overlapHours": 1.5},
        {"overlapHours": "24"},
        {"overlapHours": True},
        {"overlap": 1},
        [],
        "text",
    ],
)
async def test_refuses_a_bad_body_and_rotates_nothing(service: Service, body: object) -> None:
    made = (await service.post("/generate-credentials")).json()
    answer = await service.post("/rotate-credentials", body=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"]
    assert (await service.get("/get-credentials")).json()["apiKey"] == made["apiKey"]


@pytest.mark.parametrize("path", ["/generate-credentials", "/revoke-credentials"])
async def test_refuses_a_body_where_none_is_taken(service: Service, path: str) -> None:
    await service.post("/generate-credentials")
    answer = await service.post(path, body={"platformId": "plt_of_somebody_else"})
    assert answer.status_code == 400
    assert (await service.get("/get-credentials")).json()["apiKey"]


async def test_generates_a_platform_and_a_key_and_the_same_when_asked_again(service: Service) -> None:
    first = await service.post("/generate-credentials")
    assert first.status_code == 200
    assert set(first.json()) == {"platformId", "apiKey"}
    assert re.fullmatch(r"plt_[0-9a-f]{32}", first.json()["platformId"])
    assert keys.is_well_formed(first.json()["apiKey"])
    assert (await service.post("/generate-credentials")).json() == first.json()


async def test_shows_what_was_generated(service: Service, clock: SetClock) -> None:
    made = (await service.post("/generate-credentials")).json()
    clock.advance(days=3)
    assert (await service.get("/get-credentials")).json() == {**made, "createdAt": NOW}


async def test_every_developer_may_have_a_key_also_without_a_paid_plan(service: Service) -> None:
    for plan in ("free", None, "paid"):
        assert (await service.post("/generate-credentials", f"{service.user}_{plan}", plan=plan)).status_code == 200


async def test_a_developer_at_the_usage_limit_still_reaches_every_credential_route(service: Service) -> None:
    for _ in range(6):
        answer = await service.post("/verify-auth")
    assert answer.status_code == 403
    for path in ("/generate-credentials", "/rotate-credentials", "/revoke-credentials"):
        assert (await service.post(path)).status_code == 200
    assert (await service.get("/get-credentials")).status_code == 200


async def test_developers_never_see_one_anothers_credentials(service: Service) -> None:
    somebody_else = service.user + "_2"
    one = (await service.post("/generate-credentials")).json()
    assert (await service.get("/get-credentials", somebody_else)).status_code == 404
    two = (await service.post("/generate-credentials", somebody_else)).json()
    assert not set(one.values()) & set(two.values())


async def test_a_rotation_says_until_when_the_old_key_is_good(service: Service, clock: SetClock) -> None:
    made = (await service.post("/generate-credentials")).json()
    clock.advance(hours=1)
    rotated = (await service.post("/rotate-credentials")).json()
    new_key = rotated.pop("apiKey")
    assert new_key != made["apiKey"]
    assert rotated == {
        "platformId": made["platformId"],
        "createdAt": NOW,
        "rotatedAt": "2026-11-24T13:00:00Z",
        "previousKeyValidUntil": "2026-11-25T13:00:00Z",
    }
    assert (await service.get("/get-credentials")).json() == {**rotated, "apiKey": new_key}
    clock.advance(hours=24)
    assert "previousKeyValidUntil" not in (await service.get("/get-credentials")).json()


async def test_a_rotation_takes_the_overlap_it_is_given(service: Service) -> None:
    await service.post("/generate-credentials")
    two_hours = (await service.post("/rotate-credentials", body={"overlapHours": 2})).json()
    assert two_hours["previousKeyValidUntil"] == "2026-11-24T14:00:00Z"
    at_once = (await service.post("/rotate-credentials", body={"overlapHours": 0})).json()
    assert "previousKeyValidUntil" not in at_once


async def test_revoked_credentials_are_shown_as_such_and_safe_to_revoke_again(
    service: Service, clock: SetClock
) -> None:
    made = (await service.post("/generate-credentials")).json()
    revoked = await service.post("/revoke-credentials")
    expected = {"platformId": made["platformId"], "apiKey": None, "createdAt": NOW, "revokedAt": NOW}
    assert (revoked.status_code, revoked.json()) == (200, expected)
    clock.advance(hours=1)
    assert (await service.post("/revoke-credentials")).json() == expected
    assert (await service.get("/get-credentials")).json() == expected


@pytest.mark.parametrize("path", ["/generate-credentials", "/rotate-credentials"])
async def test_after_a_revoke_a_new_key_comes_on_the_same_platform(service: Service, path: str) -> None:
    made = (await service.post("/generate-credentials")).json()
    await service.post("/revoke-credentials")
    again = (await service.post(path)).json()
    assert again["platformId"] == made["platformId"]
    assert keys.is_well_formed(again["apiKey"])
    assert again["apiKey"] != made["apiKey"]
    shown = (await service.get("/get-credentials")).json()
    assert shown["apiKey"] == again["apiKey"]
    assert "revokedAt" not in shown


async def test_no_key_and_no_token_is_ever_logged(service: Service, log: io.StringIO) -> None:
    shown = [(await service.post("/generate-credentials")).json()["apiKey"]]
    shown.append((await service.post("/rotate-credentials")).json()["apiKey"])
    await service.get("/get-credentials")
    await service.post("/revoke-credentials")
    assert '"platformId":"plt_' in log.getvalue()
    for secret in (*shown, service.token()):
        assert secret not in log.getvalue()
        assert keys.key_hash(secret) not in log.getvalue()
    assert "pk_live_" not in log.getvalue()

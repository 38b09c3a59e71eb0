import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.clocks import SetClock
from tests.platform_api.service import Service
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES = [
    ("POST", "/verify-auth"),
    ("GET", "/usage"),
    ("POST", "/generate-credentials"),
    ("GET", "/get-credentials"),
    ("POST", "/rotate-credentials"),
    ("POST", "/revoke-credentials"),
]

BAD_TOKENS: dict[str, dict[str, Any]] = {
    "expired": {"lifetime": -6},
    "not yet valid": {"nbf": 4_000_000_000},
    "issued in the future": {"iat": 4_000_000_000},
    "no algorithm": {"alg": "none"},
    "the public key as a secret": {"alg": "HS256"},
    "another algorithm": {"alg": "RS512"},
    "another page's token": {"azp": "https://evil.example.com"},
    "another issuer": {"iss": "https://clerk.evil.example.com"},
    "unknown key": {"kid": "ins_unknown"},
    "no expiry": {"without": ("exp",)},
    "no subject": {"without": ("sub",)},
    "a machine": {"sub": "mch_1"},
    "an OAuth access token": {"header": {"typ": "at+jwt"}},
    "another category": {"header": {"cat": "cl_B7d4PD333AAA"}},
    "a pending session": {"sts": "pending"},
}


@pytest.fixture
def clock(served_clock: SetClock) -> SetClock:
    """The machine's instant: a token that is bad here is bad for one reason only, whoever reads the time."""
    served_clock.now = datetime.now(UTC)
    return served_clock


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_refuses_a_call_without_a_token(service: Service, method: str, path: str) -> None:
    answer = await service.http.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_refuses_every_bad_token_in_the_same_words(service: Service, log: io.StringIO, name: str) -> None:
    token = service.issuer.token(**{"now": service.clock().timestamp(), **BAD_TOKENS[name]})
    await expect_refusal(service, log, token)


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "...", "e30.e30.e30", "null.null.null", "x" * 9_000, "a.b." + "x" * 8_189, "W10.W10.W10", "ÿþ.ÿ.ÿ"],
    ids=lambda token: token[:12],
)
async def test_refuses_garbage_in_the_same_words(service: Service, log: io.StringIO, token: str) -> None:
    answer = await service.http.get("/usage", headers={b"Authorization": f"Bearer {token}".encode("latin-1")})
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")
    assert set(answer.json()) == {"error", "message", "requestId"}
    assert "Traceback" not in answer.text + log.getvalue()


async def test_refuses_a_token_of_another_app(service: Service, log: io.StringIO) -> None:
    other = Issuer(service.issuer.kid)
    other.url = service.issuer.url
    await expect_refusal(service, log, other.token(now=service.clock().timestamp()))


async def test_refuses_a_changed_token(service: Service, log: io.StringIO) -> None:
    head, _, signature = service.token("user_1").split(".")
    body = service.token("user_2").split(".")[1]
    await expect_refusal(service, log, f"{head}.{body}.{signature}")


async def test_refuses_two_authorization_headers(service: Service) -> None:
    good = ("Authorization", f"Bearer {service.token()}")
    answer = await service.http.get("/usage", headers=[good, good])
    assert answer.status_code == 401


@pytest.mark.parametrize("claim", ["enterprise", "{{user.public_metadata.plan}}", "", None, 7, ["paid"]])
async def test_takes_an_unresolved_plan_claim_as_absent(service: Service, claim: object) -> None:
    assert (await service.get("/usage", plan=claim)).json()["plan"] == "free"


async def test_accepts_a_token_within_the_leeway_and_one_that_names_no_party(service: Service) -> None:
    now = service.clock().timestamp()
    assert (await service.get("/usage", exp=int(now) - 3)).status_code == 200
    assert (await service.get("/usage", azp=None)).status_code == 200


async def expect_refusal(service: Service, log: io.StringIO, token: str) -> None:
    answer = await service.http.get("/usage", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    said = answer.json()
    assert re.fullmatch(r"req_[0-9a-f]{24}", said.pop("requestId"))
    assert said == {
        "error": "unauthenticated",
        "message": "The token is not valid here; sign in again and send a fresh one.",
    }
    assert token not in log.getvalue()
    assert token.split(".")[2] == "" or token.split(".")[2] not in log.getvalue()
    assert "Traceback" not in log.getvalue()

"""The stand-in for GitHub: what its page refuses, and that its exchange answers errors with status 200."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from infra.sandbox.github import CODE_SECONDS, App, GitHub, user_id
from tests.serving import serving

BACK = "https://connect.example.com/github/callback"
APP = App("Iv1.app", "a secret of the tests", BACK)
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
ASKED = {
    "client_id": APP.client_id,
    "redirect_uri": BACK,
    "state": "s-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Served:
    http: httpx2.AsyncClient
    clock: Clock

    async def decide(self, decision: str = "authorize", **changed: str) -> dict[str, str]:
        form = ASKED | {"decision": decision, "login": "octo"} | changed
        answer = await self.http.post("/login/oauth/authorize", data=form)
        assert answer.status_code == 303
        location = httpx2.URL(answer.headers["location"])
        assert str(location).startswith(BACK + "?")
        return dict(location.params)

    async def exchange(self, code: str, **changed: str) -> dict[str, str]:
        known = {"client_id": APP.client_id, "client_secret": APP.client_secret, "redirect_uri": BACK}
        form = known | {"code": code, "code_verifier": VERIFIER} | changed
        answer = await self.http.post("/login/oauth/access_token", data=form)
        assert answer.status_code == 200
        found: dict[str, str] = answer.json()
        return found


@pytest.fixture
async def github() -> AsyncIterator[Served]:
    clock = Clock()
    async with (
        serving(GitHub(APP, clock).app()) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        yield Served(http, clock)


@pytest.mark.parametrize(
    "changed",
    [{"client_id": "other"}, {"redirect_uri": "https://evil.example.com"}, {"code_challenge_method": "plain"}],
)
async def test_the_page_sends_nobody_to_where_it_does_not_know(github: Served, changed: dict[str, str]) -> None:
    for answer in (
        await github.http.get("/login/oauth/authorize", params=ASKED | changed),
        await github.http.post("/login/oauth/authorize", data=ASKED | changed | {"decision": "authorize"}),
    ):
        assert answer.status_code in {400, 404}
        assert "location" not in answer.headers


async def test_a_denial_goes_back_with_state_and_issuer(github: Served) -> None:
    back = await github.decide("cancel")
    assert (back["error"], back["state"]) == ("access_denied", "s-1")
    assert back["iss"] == str(github.http.base_url.join("/login/oauth"))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"code_verifier": "w" * 43}, "bad_verification_code"),
        ({"code": "unknown"}, "bad_verification_code"),
        ({"redirect_uri": BACK + "/x"}, "redirect_uri_mismatch"),
    ],
)
async def test_an_exchange_that_does_not_fit_is_an_error(github: Served, changed: dict[str, str], error: str) -> None:
    code = (await github.decide())["code"]
    assert (await github.exchange(**{"code": code} | changed))["error"] == error


async def test_a_code_works_once_and_for_ten_minutes(github: Served) -> None:
    code = (await github.decide())["code"]
    assert "access_token" in await github.exchange(code)
    assert (await github.exchange(code))["error"] == "bad_verification_code"
    code = (await github.decide())["code"]
    github.clock.now += CODE_SECONDS
    assert (await github.exchange(code))["error"] == "bad_verification_code"


async def test_a_token_tells_who_somebody_is_and_no_other_does(github: Served) -> None:
    token = (await github.exchange((await github.decide())["code"]))["access_token"]
    user = await github.http.get("/user", headers={"Authorization": f"Bearer {token}"})
    assert (user.json()["login"], user.json()["id"]) == ("octo", user_id("octo"))
    assert (await github.http.get("/user", headers={"Authorization": "Bearer gho_x"})).status_code == 401


async def test_the_page_shows_what_it_is_given_as_text(github: Served) -> None:
    page = await github.http.get("/login/oauth/authorize", params=ASKED | {"state": '"><script>'})
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert 'value="authorize"' in page.text

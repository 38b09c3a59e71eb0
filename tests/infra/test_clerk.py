"""The stand-in Clerk: its tokens pass the product's own verifier, its Backend API behaves as Clerk's."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from infra.sandbox.clerk import Clerk
from infra.sandbox.clerk_state import ClerkState, merged
from infra.sandbox.clerk_tokens import rendered
from infra.sandbox.layout import Layout
from shared.adapters.clerk import ClerkUsers, TokenVerifier, clerk_http
from shared.adapters.system import utc_now
from shared.domain.errors import NotFound, Unauthenticated, Unavailable
from shared.settings import ClerkApp
from tests.serving import serving

SECRET = "sk_test_of_this_test"


@asynccontextmanager
async def standing_in(path: Path, app: str = "end-user-api") -> AsyncIterator[tuple[str, httpx2.AsyncClient]]:
    """A stand-in on a socket; its issuer is the address it is served at."""
    state = ClerkState(path)
    clerk = Clerk(app, state, "http://issuer.invalid", SECRET)
    async with serving(clerk.app()) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        clerk.issuer = url
        yield url, http


def settings(url: str, secret: str = SECRET) -> ClerkApp:
    layout = Layout()
    return ClerkApp.model_validate(
        {
            "publishable_key": layout.publishable_key("end-user-api"),
            "secret_key": secret,
            "authorized_parties": "http://127.0.0.1:8787",
            "issuer": url,
            "api_url": url + "/v1",
        }
    )


async def token(http: httpx2.AsyncClient, **asked: Any) -> str:
    jwt: str = (await http.post("/_sandbox/token", json={"email": "u@example.com", **asked})).json()["jwt"]
    return jwt


async def test_a_wrong_secret_key_is_refused(tmp_path: Path) -> None:
    async with standing_in(tmp_path / "c.json") as (url, _), clerk_http() as http:
        with pytest.raises(Unavailable):
            await ClerkUsers(settings(url, "sk_test_wrong"), http).user("user_1")


async def test_metadata_in_the_plain_user_update_is_refused(tmp_path: Path) -> None:
    async with standing_in(tmp_path / "c.json") as (_, http):
        headers = {"Authorization": f"Bearer {SECRET}"}
        user = (await http.post("/v1/users", json={"email_address": ["u@example.com"]}, headers=headers)).json()
        path, sent = f"/v1/users/{user['id']}", {"public_metadata": {"plan": "pro"}}
        assert (await http.patch(path, json=sent, headers=headers)).status_code == 422
        assert (await http.patch(path + "/metadata", json={"plan": 1}, headers=headers)).status_code == 422


async def test_template_and_session_tokens_pass_the_verifier(tmp_path: Path) -> None:
    async with standing_in(tmp_path / "c.json") as (url, http), clerk_http() as keys:
        verifier = TokenVerifier(settings(url), keys, utc_now)
        session = await verifier.verify(await token(http, origin="http://127.0.0.1:8787"))
        assert (session["v"], session["sts"], session["azp"]) == (2, "active", "http://127.0.0.1:8787")
        template = await verifier.verify(await token(http, template="end-user-api"))
        assert (template["platformId"], template["plan"]) == (None, None)
        assert "sid" not in template
        with pytest.raises(Unauthenticated):
            await verifier.verify(await token(http, origin="http://127.0.0.1:1"))
        with pytest.raises(Unauthenticated):
            await verifier.verify(await token(http, expiresInSeconds=-60))
        await verifier.close()


async def test_metadata_is_merged_and_shows_in_the_next_template_token(tmp_path: Path) -> None:
    async with standing_in(tmp_path / "c.json") as (url, http), clerk_http() as outgoing:
        users, verifier = ClerkUsers(settings(url), outgoing), TokenVerifier(settings(url), outgoing, utc_now)
        with pytest.raises(NotFound):
            await users.user("user_nobody")
        user_id = (await verifier.verify(await token(http)))["sub"]
        await users.merge_public_metadata(user_id, {"platformId": "plt_1", "plan": "pro"})
        user = await users.merge_public_metadata(user_id, {"plan": None, "seats": 3})
        assert user["public_metadata"] == {"platformId": "plt_1", "seats": 3}
        claims = await verifier.verify(await token(http, template="end-user-api"))
        assert (claims["platformId"], claims["plan"]) == ("plt_1", None)
        await verifier.close()


async def test_users_sessions_and_keys_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    async with standing_in(path) as (_, http):
        started = (await http.post("/_sandbox/sessions", json={"email": "u@example.com"})).json()
        keys = (await http.get("/.well-known/jwks.json")).json()
    async with standing_in(path) as (_, http):
        assert (await http.get(f"/_sandbox/sessions/{started['sessionId']}")).json()["user"] == started["user"]
        assert (await http.get("/.well-known/jwks.json")).json() == keys


async def test_rotated_keys_sign_and_the_old_stay_published_until_dropped(tmp_path: Path) -> None:
    async with standing_in(tmp_path / "c.json") as (_, http):
        before = (await http.get("/.well-known/jwks.json")).json()["keys"]
        kid = (await http.post("/_sandbox/rotate-keys")).json()["kid"]
        assert [key["kid"] for key in (await http.get("/.well-known/jwks.json")).json()["keys"]] == [
            before[0]["kid"],
            kid,
        ]
        kid = (await http.post("/_sandbox/rotate-keys?drop_old=true")).json()["kid"]
        assert [key["kid"] for key in (await http.get("/.well-known/jwks.json")).json()["keys"]] == [kid]


async def test_a_signed_out_session_gives_no_more_tokens(tmp_path: Path) -> None:
    async with standing_in(tmp_path / "c.json") as (_, http):
        session = (await http.post("/_sandbox/sessions", json={"email": "u@example.com"})).json()["sessionId"]
        path = f"/_sandbox/sessions/{session}"
        assert (await http.post(path + "/token", json={"template": None})).status_code == 200
        await http.delete(path)
        assert (await http.post(path + "/token", json={"template": None})).status_code == 401


@pytest.mark.parametrize(
    ("template", "claim"),
    [
        ("{{user.public_metadata.seats}}", 3),
        ("{{user.public_metadata.none}}", None),
        ("{{user.public_metadata.none || 'free'}}", "free"),
        ("{{user.public_metadata.off || user.public_metadata.seats}}", 3),
        ("{{user.id}} {{user.public_metadata.none}}", "user_1 null"),
    ],
)
def test_shortcodes_keep_types_and_fall_back_as_clerks_do(template: str, claim: object) -> None:
    assert rendered(template, {"id": "user_1", "public_metadata": {"seats": 3, "off": False}}) == claim


def test_a_merge_goes_deep_and_null_removes_at_any_level() -> None:
    kept = {"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}
    assert merged(kept, {"a": None, "b": {"c": None, "x": {"y": 1}}, "e": [2]}) == {
        "b": {"d": 3, "x": {"y": 1}},
        "e": [2],
    }


async def test_the_browsers_scripts_and_pages_are_served(tmp_path: Path) -> None:
    async with standing_in(tmp_path / "c.json") as (_, http):
        assert "window.Clerk" in (await http.get("/npm/@clerk/clerk-js@6/dist/clerk.browser.js")).text
        assert "__internal_ClerkUICtor" in (await http.get("/npm/@clerk/ui@1/dist/ui.browser.js")).text
        assert "E-mail address" in (await http.get("/sign-in")).text
        origin = {"Origin": "http://127.0.0.1:8788"}
        assert (await http.get("/health", headers=origin)).headers["Access-Control-Allow-Origin"] == origin["Origin"]
        foreign = await http.get("/health", headers={"Origin": "http://evil.example.com"})
        assert "Access-Control-Allow-Origin" not in foreign.headers


def test_times_are_those_of_the_machine(tmp_path: Path) -> None:
    user = ClerkState(tmp_path / "c.json").create_user("u@example.com")
    assert abs(user["created_at"] / 1000 - time.time()) < 5

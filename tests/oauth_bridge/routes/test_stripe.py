"""Connecting Stripe over HTTP: which returns are refused, that an exchange is sent once, and both ends of it."""

import asyncio
from typing import Any

import pytest

from tests.clocks import SetClock
from tests.oauth_bridge.conftest import Served
from tests.oauth_bridge.sides import PlatformSide, created
from tests.oauth_bridge.world import BRIDGE, DASHBOARD, Person, World


async def assert_nothing_happened(town: World, *people: Person) -> None:
    assert await town.exchanges() == []
    for person in people:
        assert (await person.connections())["stripe"]["status"] == "none"


async def test_a_return_without_a_state_of_this_browser_is_refused_and_changes_nothing(town: World) -> None:
    anna = await town.person()
    brought = await anna.agree(await anna.leave("stripe"))
    code = brought["code"]
    stranger = await town.person()
    assert await anna.come_back("stripe", code=code) == "invalid_state"
    assert await anna.come_back("stripe", code=code, state="") == "invalid_state"
    assert await anna.come_back("stripe", code=code, state="x" * 43) == "invalid_state"
    assert await anna.come_back("stripe", code=code, state=brought["state"] * 9) == "invalid_state"
    assert await anna.come_back("github", code=code, state=brought["state"]) == "invalid_state"
    twice = await anna.browser.get(f"/stripe/callback?state={brought['state']}&state={brought['state']}&code={code}")
    assert twice.headers["location"] == f"{DASHBOARD}?stripe=invalid_state"
    assert await stranger.come_back("stripe", **brought) == "invalid_state"
    await assert_nothing_happened(town, anna, stranger)
    assert await anna.come_back("stripe", **brought) == "connected"  # none of these has used it up


async def test_a_state_of_another_user_is_refused_though_both_were_sent_away(town: World) -> None:
    anna, bert = await town.person(), await town.person()
    brought = await anna.agree(await anna.leave("stripe"))
    await bert.leave("stripe")
    assert await bert.come_back("stripe", **brought) == "invalid_state"
    await assert_nothing_happened(town, anna, bert)


async def test_a_return_that_comes_twice_is_exchanged_once_and_keeps_the_connection(town: World) -> None:
    anna = await town.person()
    brought = await anna.agree(await anna.leave("stripe"))
    words = await asyncio.gather(*(anna.come_back("stripe", **brought) for _ in range(5)))
    assert sorted(words) == ["connected"] + ["invalid_state"] * 4
    assert await anna.come_back("stripe", **brought) == "invalid_state"
    assert len(await town.exchanges()) == 1
    assert (await anna.connections())["stripe"]["status"] == "connected"


@pytest.mark.parametrize("fault", [500, 429, "lost_answer"])
async def test_an_exchange_that_fails_is_never_sent_again(town: World, fault: int | str) -> None:
    anna = await town.person()
    brought = await anna.agree(await anna.leave("stripe"))
    await town.stripe.control("faults", next=[{"status": fault, "path": "/oauth/token"}])
    assert await anna.come_back("stripe", **brought) == "failed"
    assert len(await town.exchanges()) == 1
    assert (await anna.connections())["stripe"]["status"] == "none"
    assert (await anna.connect()).startswith("acct_")


async def test_errors_of_the_page_come_back_as_a_word_and_use_the_state_up(town: World) -> None:
    anna = await town.person()
    for error, word in (("access_denied", "denied"), ("invalid_scope", "refused")):
        state = (await anna.leave("stripe"))["state"]
        assert await anna.come_back("stripe", state=state, error=error, error_description="<b>no</b>") == word
        assert await anna.come_back("stripe", state=state, code="ac_1") == "invalid_state"
    state = (await anna.leave("stripe"))["state"]
    assert await anna.come_back("stripe", state=state) == "refused"
    await assert_nothing_happened(town, anna)


async def test_an_account_serves_one_platform_until_it_is_disconnected(town: World) -> None:
    anna, bert = await town.person(), await town.person()
    account = await anna.connect()
    brought = await bert.agree(await bert.leave("stripe"), account=account)
    assert await bert.come_back("stripe", **brought) == "in_use"
    assert (await bert.connections())["stripe"]["status"] == "none"
    assert (await anna.connections())["stripe"]["status"] == "connected"
    left = await anna.ask("POST", "/stripe/disconnect")
    assert (left.json()["stripe"]["status"], left.json()["stripe"]["accountId"]) == ("disconnected", account)
    assert await bert.connect(account=account) == account
    assert (await anna.ask("POST", "/stripe/disconnect")).status_code == 200  # ends nothing of bert's
    assert (await bert.connections())["stripe"]["status"] == "connected"
    assert await town.stripe.ask.accounts.retrieve_async(account) is not None


async def test_who_is_connected_has_to_disconnect_before_another_account(town: World) -> None:
    anna = await town.person()
    await anna.connect()
    answer = await anna.ask("GET", "/stripe/authorize")
    assert (answer.status_code, answer.json()["reason"]) == (409, "already_connected")
    assert "set-cookie" not in answer.headers


async def test_disconnecting_counts_at_once_and_is_told_stripe_as_soon_as_it_answers(town: World) -> None:
    anna = await town.person()
    account = await anna.connect()
    await town.stripe.control("faults", next=[{"status": 500, "path": "/oauth/deauthorize", "times": 9}])
    assert (await anna.ask("POST", "/stripe/disconnect")).status_code == 503
    assert (await anna.connections())["stripe"]["status"] == "disconnected"
    await town.stripe.control("faults", next=[])
    for _ in range(2):
        answer = await anna.ask("POST", "/stripe/disconnect")
        assert (answer.status_code, answer.json()["stripe"]["status"]) == (200, "disconnected")
    assert account not in await connected_accounts(town)


async def connected_accounts(town: World) -> set[str]:
    listed: list[dict[str, Any]] = (await town.stripe.look("accounts"))["accounts"]
    return {one["id"] for one in listed if one["connected"]}


async def test_being_sent_away_sets_a_cookie_of_this_host_alone_and_the_return_clears_it(town: World) -> None:
    anna = await town.person()
    answer = await anna.ask("GET", "/stripe/authorize")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-oauth_stripe=")
    for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"):
        assert word in cookie
    assert "Domain" not in cookie
    assert f"redirect_uri={BRIDGE.replace(':', '%3A').replace('/', '%2F')}%2Fstripe%2Fcallback" in answer.json()["url"]
    back = await anna.browser.get("/stripe/callback")
    assert (back.status_code, back.headers["location"]) == (303, f"{DASHBOARD}?stripe=invalid_state")
    assert (back.headers["cache-control"], back.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert back.headers["set-cookie"].startswith('__Host-oauth_stripe="";')
    assert "Max-Age=0" in back.headers["set-cookie"]
    assert "Secure" in back.headers["set-cookie"]


async def test_the_connection_is_shown_and_no_token_of_it_is_kept(town: World) -> None:
    anna = await town.person()
    account = await anna.connect()
    shown = await anna.connections()
    assert shown["platformId"] == anna.platform_id
    assert shown["stripe"] | {"connectedAt": ""} == {
        "available": True,
        "status": "connected",
        "accountId": account,
        "livemode": False,
        "connectedAt": "",
    }
    table = town.settings.table("tenant-tokens")
    item = await town.dynamo.get(table, {"pk": f"platform:{anna.platform_id}", "sk": "stripe"})
    assert item is not None
    assert set(item) == {"pk", "sk", "accountId", "livemode", "connectedAt", "status"}


async def test_a_bridge_without_stripe_and_github_says_so(
    served: Served, platform: PlatformSide, clock: SetClock
) -> None:
    await platform.change(created(), clock.now, user_id="user_anna")
    anna = served.as_user("user_anna")
    shown = (await served.http.get("/connections", headers=anna)).json()
    assert (shown["stripe"]["available"], shown["github"]["available"]) == (False, False)
    for method, path in (("GET", "/stripe/authorize"), ("POST", "/stripe/disconnect"), ("GET", "/github/authorize")):
        answer = await served.http.request(method, path, headers=anna)
        assert (answer.status_code, answer.json()["reason"]) == (409, "not_available"), path
        assert "the operator sets" in answer.json()["message"]
    for provider in ("stripe", "github"):
        back = await served.http.get(f"/{provider}/callback?state=a&code=b")
        assert back.headers["location"] == f"{DASHBOARD}?{provider}=failed"


async def test_refuses_who_sends_no_token_or_has_no_platform(served: Served) -> None:
    for method, path in (
        ("GET", "/connections"),
        ("GET", "/stripe/authorize"),
        ("POST", "/stripe/disconnect"),
        ("GET", "/github/authorize"),
        ("POST", "/github/unlink"),
        ("GET", "/settings"),
    ):
        assert (await served.http.request(method, path)).status_code == 401, path
    for path in ("/connections", "/settings"):
        answer = await served.http.get(path, headers=served.as_user("user_new"))
        assert (answer.status_code, answer.json()["reason"]) == (409, "no_platform")

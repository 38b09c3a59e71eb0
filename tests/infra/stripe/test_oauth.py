"""Connect's OAuth: the consent page, the exchange that works once, and both ways to leave."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from tests.infra.stripe.sandbox import Sandbox, connected, of, received, settled

ASKED = {
    "client_id": "ca_dream",
    "redirect_uri": "http://bridge.test/stripe/callback",
    "response_type": "code",
    "scope": "read_write",
    "state": "s-1",
}


def answered(location: str) -> dict[str, str]:
    assert location.startswith(ASKED["redirect_uri"])
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def agreed(sandbox: Sandbox, **fields: str) -> dict[str, str]:
    answer = await sandbox.browser.post("/oauth/authorize", data={**ASKED, "decision": "connect", **fields})
    assert answer.status_code == 303
    return answered(answer.headers["location"])


async def exchange(sandbox: Sandbox, code: str) -> Any:
    answer = await sandbox.client.raw_request_async(
        "post", "/oauth/token", base="connect", grant_type="authorization_code", code=code, max_network_retries=0
    )
    return answer.data


async def test_connects_a_new_account(sandbox: Sandbox) -> None:
    page = await sandbox.browser.get("/oauth/authorize", params=ASKED)
    assert page.status_code == 200
    assert 'value="connect"' in page.text
    assert 'value="deny"' in page.text
    back = await agreed(sandbox, business_name="Weather <GmbH>", email="d@example.com")
    assert (back["state"], back["scope"]) == ("s-1", "read_write")
    token = await exchange(sandbox, back["code"])
    assert (token["scope"], token["livemode"], token["token_type"]) == ("read_write", False, "bearer")
    account = await sandbox.ask.accounts.retrieve_async(token["stripe_user_id"])
    assert (account.email, account.type) == ("d@example.com", "standard")
    assert (await sandbox.ask.customers.list_async(None, of(account.id))).data == []
    page = await sandbox.browser.get("/oauth/authorize", params=ASKED)
    assert account.id in page.text
    assert "Weather &lt;GmbH&gt;" in page.text
    assert (await exchange(sandbox, (await agreed(sandbox, account=account.id))["code"]))[
        "stripe_user_id"
    ] == account.id


async def test_a_refusal_comes_back_as_an_error(sandbox: Sandbox) -> None:
    answer = await sandbox.browser.post("/oauth/authorize", data={**ASKED, "decision": "deny"})
    back = answered(answer.headers["location"])
    assert (back["error"], back["state"]) == ("access_denied", "s-1")
    assert back["error_description"]


async def test_a_wrong_request_goes_back_as_an_error(sandbox: Sandbox) -> None:
    wrong = (({"response_type": "token"}, "unsupported_response_type"), ({"scope": "read_only"}, "invalid_scope"))
    for change, error in wrong:
        answer = await sandbox.browser.get("/oauth/authorize", params=ASKED | change)
        assert answered(answer.headers["location"])["error"] == error


async def test_nothing_is_sent_to_an_address_that_can_not_be_trusted(sandbox: Sandbox) -> None:
    for change in ({"client_id": "x"}, {"redirect_uri": "javascript:alert(1)"}, {"client_id": ""}):
        answer = await sandbox.browser.get("/oauth/authorize", params=ASKED | change)
        assert (answer.status_code, answer.headers.get("location")) == (400, None)


async def test_a_code_used_twice_revokes_the_connection() -> None:
    async with received() as (sandbox, _own, connect):
        back = await agreed(sandbox)
        account = (await exchange(sandbox, back["code"]))["stripe_user_id"]
        with pytest.raises(stripe.oauth_error.InvalidGrantError, match="already been used"):
            await exchange(sandbox, back["code"])
        with pytest.raises(stripe.PermissionError):
            await sandbox.ask.customers.list_async(None, of(account))
        await settled(sandbox)
        assert connect.types == ["account.application.deauthorized"]


async def test_a_code_lives_five_minutes_and_must_exist(sandbox: Sandbox) -> None:
    back = await agreed(sandbox)
    await sandbox.control("advance", seconds=301)
    for code in (back["code"], "ac_never"):
        with pytest.raises(stripe.oauth_error.InvalidGrantError):
            await exchange(sandbox, code)


async def test_leaving_is_told_once_and_refused_the_second_time() -> None:
    async with received() as (sandbox, own, connect):
        account = await connected(sandbox)
        price = await sandbox.price(account=account)

        async def leave() -> Any:
            return await sandbox.client.raw_request_async(
                "post", "/oauth/deauthorize", base="connect", client_id="ca_dream", stripe_user_id=account
            )

        assert (await leave()).data == {"stripe_user_id": account}
        with pytest.raises(stripe.oauth_error.InvalidClientError):
            await leave()
        with pytest.raises(stripe.PermissionError):
            await sandbox.ask.prices.retrieve_async(price.id, None, of(account))
        await settled(sandbox)
        assert (connect.types, own.types) == (["account.application.deauthorized"], [])
        event = connect.events[0]
        assert (event.account, event.data.object["object"]) == (account, "application")


async def test_the_owner_may_leave_and_change_the_account() -> None:
    async with received() as (sandbox, _own, connect):
        account = await connected(sandbox)
        await sandbox.control("accounts", id=account, charges_enabled=False)
        assert not (await sandbox.ask.accounts.retrieve_async(account)).charges_enabled
        await sandbox.control("disconnect", account=account)
        await settled(sandbox)
        assert connect.types == ["account.updated", "account.application.deauthorized"]

"""`python -m tenant_api reconcile`, the background task, and settings of billing."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from tenant_api import app, reconcile
from tenant_api.__main__ import main
from tenant_api.settings import Settings, load
from tests.serving import serving
from tests.tenant_api.billing.world import FREE, PAGES, PRO, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_command_tells_and_heals_one_user_one_platform_or_all(
    fresh_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world = fresh_world
    platforms = [await world.platform() for _ in range(2)]
    users = [await world.end_user(platform) for platform in (*platforms, platforms[0])]
    await world.stripe.control("weather", drop=1.0)
    for user in users:
        await world.subscribe(user, "pro")
    await world.settled()
    first = ["--platform", platforms[0].platform_id]

    async def told(*arguments: str) -> list[str]:
        assert await reconcile.command(world.settings, list(arguments)) == 0
        return capsys.readouterr().out.splitlines()

    assert len(await told("--dry-run")) == 7  # each plan, and each payment in nobody's revenue
    assert await told(*first, "--user", "user_nobody") == ["0 healed, 0 could not be compared."]
    assert (await told(*first, "--user", users[0].id))[0] == (
        f"{users[0].subject}: nothing (no subscription) -> pro (active)"
    )
    assert [await world.limit(user) for user in users] == [PRO, FREE, FREE]
    assert (await told(*first))[-1] == "3 healed, 0 could not be compared."
    assert [await world.limit(user) for user in users] == [PRO, FREE, PRO]
    assert (await told())[-1] == "2 healed, 0 could not be compared."
    assert await told() == ["0 healed, 0 could not be compared."]


async def test_the_service_heals_in_the_background(fresh_world: World) -> None:
    world = fresh_world
    user = await world.end_user(await world.platform())
    await world.stripe.control("weather", drop=1.0)
    await world.subscribe(user, "pro")
    await world.settled()
    settings = world.settings.model_copy(update={"reconcile_seconds": 1})
    async with serving(app.build(settings)), asyncio.timeout(20):
        while await world.limit(user) == FREE:
            await asyncio.sleep(0.1)


async def test_without_a_key_billing_is_off_and_the_rest_works(world: World) -> None:
    user = await world.end_user(await world.platform())
    settings = world.settings.model_copy(update={"tenant_stripe": None})
    async with serving(app.build(settings)) as url:
        headers = {"Authorization": f"Bearer {user.token}"}
        for path, body in (("/api/create-checkout", {"tier": "basic"}), ("/api/customer-portal", None)):
            answer = await world.http.post(url + path, headers=headers, json=body)
            assert (answer.status_code, answer.json()["reason"]) == (409, "no_billing")
        assert (await world.http.post(url + "/webhook/stripe", content=b"{}")).status_code == 409
        assert (await world.http.post(url + "/api/data", headers=headers)).status_code == 200
    assert await reconcile.command(settings, []) == 1


async def test_a_user_without_a_platform_is_no_argument(world: World) -> None:
    with pytest.raises(SystemExit) as ended:
        await reconcile.command(world.settings, ["--user", "user_1"])
    assert ended.value.code == 2


async def test_settings_that_would_lose_or_misplace_money_are_refused(world: World) -> None:
    kept = world.settings.tenant_stripe
    assert kept is not None
    keys = {"secret_key": "sk_live_1", "webhook_secret": "whsec_1"}
    clerk = {"end_user_clerk": world.settings.end_user_clerk, "tenant_api_url": PAGES}
    refused: list[dict[str, Any]] = [
        {"tenant_stripe": keys, "dynamodb_endpoint": "http://127.0.0.1:1"},
        {"tenant_stripe": keys | {"api_url": "http://127.0.0.1:1"}},
        {"tenant_stripe": keys | {"webhook_secret": ""}},
        {"application_fee_percent": "100.5"},
        {"application_fee_percent": "1.234"},
    ]
    for given in refused:
        with pytest.raises(ValidationError):
            Settings.model_validate(clerk | given)
    assert Settings.model_validate(clerk | {"application_fee_percent": "0"}).fee_percent is None
    assert Settings.model_validate(clerk | {"application_fee_percent": "2.55"}).fee_percent == 2.55


async def test_its_own_variables_count_and_an_unknown_command_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk = world.settings.end_user_clerk
    monkeypatch.setenv("END_USER_CLERK__PUBLISHABLE_KEY", clerk.publishable_key)
    monkeypatch.setenv("END_USER_CLERK__SECRET_KEY", "sk_test_1")
    monkeypatch.setenv("STRIPE__SECRET_KEY", "sk_test_platforms")
    monkeypatch.setenv("STRIPE__WEBHOOK_SECRET", "whsec_platforms")
    assert load().tenant_stripe is None
    monkeypatch.setenv("TENANT_STRIPE__SECRET_KEY", "sk_test_1")
    monkeypatch.setenv("TENANT_STRIPE__WEBHOOK_SECRET", "whsec_1")
    keys = load().tenant_stripe
    assert keys is not None
    assert keys.webhook_secrets == ("whsec_1",)
    assert main(["mend"]) == 2


async def test_a_store_or_a_stripe_that_is_down_is_told_in_a_sentence(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    without_store = world.settings.model_copy(update={"dynamodb_endpoint": "http://127.0.0.1:1"})
    assert await reconcile.command(without_store, []) == 1
    assert "store" in capsys.readouterr().out
    user = await world.end_user(await world.platform())
    await world.checkout(user, "pro")
    await world.stripe.control("faults", next=[{"path": "/v1/subscriptions", "status": 500, "times": 3}])
    assert await reconcile.command(world.settings, ["--platform", user.platform.platform_id]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 healed, 1 could not be compared."

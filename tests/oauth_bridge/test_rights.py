"""Every flow of the bridge through the gate: it reads the platform's tables, writes the tenant's, and no more."""

import asyncio

import httpx2
import pytest

from infra.sandbox.gate import Gate
from shared.adapters.system import utc_now
from tests.oauth_bridge.sides import TenantSide, agree, rotated
from tests.oauth_bridge.world import Person, World, priced, query, world
from tests.serving import serving
from tests.tokens import Issuer


async def every_flow(town: World, anna: Person) -> None:
    """What a developer can do, each at least once, also the ways that end in a refusal."""
    assert (await anna.ask("POST", "/tiers/publish")).status_code == 200
    account = await anna.connect()
    await anna.publish(priced("free", 0), priced("pro", 1900))
    await anna.publish(priced("free", 0), priced("pro", 2900))
    stranger = await town.person()
    other = await stranger.agree(await stranger.leave("stripe"), account=account)
    assert await stranger.come_back("stripe", **other) == "in_use"
    assert await anna.come_back("stripe", **other) == "invalid_state"
    asked = await anna.leave("github")
    page = await town.github.post("/login/oauth/authorize", data=asked | {"login": "anna", "decision": "authorize"})
    assert await anna.come_back("github", **query(page.headers["location"])) == "linked"
    for method, path, body in (
        ("GET", "/tiers/history", None),
        ("POST", "/tiers/rollback", {"version": 1}),
        ("POST", "/tiers/preview", None),
        ("POST", "/tiers/preview", None),
        ("POST", "/tiers/preview/revoke", None),
        ("PUT", "/settings", {"name": "Weather", "origins": ["https://shop.example.com"]}),
        ("GET", "/settings", None),
        ("POST", "/github/unlink", None),
        ("POST", "/stripe/disconnect", None),
        ("GET", "/connections", None),
        ("GET", "/ready", None),
    ):
        assert (await anna.ask(method, path, body)).status_code == 200, path


async def test_no_flow_asks_for_more_than_the_bridge_may(
    issuer: Issuer, endpoint: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "oauth_bridge")
    async with (
        serving(Gate(endpoint, prefix).app()) as gate,
        world(issuer, endpoint, prefix, endpoint=gate) as town,
        httpx2.AsyncClient(base_url=gate, trust_env=False) as asking,
    ):
        anna = await town.person()
        await every_flow(town, anna)
        await town.platform.change(rotated(town.platform.truth[anna.platform_id]), utc_now())
        tenant = TenantSide(town.dynamo, prefix)
        async with asyncio.timeout(10):
            while not await agree(town.platform, tenant, utc_now()):  # the worker runs beside
                await asyncio.sleep(0.05)
        seen = (await asking.get("/_gate/log")).json()["requests"]
    assert [one for one in seen if not one["allowed"]] == []
    assert {one["service"] for one in seen} == {"oauth_bridge"}
    by_table: dict[str, set[str]] = {}
    for one in seen:
        by_table.setdefault(one["table"].removeprefix(prefix), set()).add(one["operation"])
    assert by_table.pop("platform-tokens") == {"GetItem", "Query"}
    assert set(by_table) == {"tenant-tokens"}
    assert {"PutItem", "UpdateItem", "DeleteItem"} <= by_table["tenant-tokens"]

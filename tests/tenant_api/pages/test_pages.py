"""The hosted pages as a browser gets them: what they show, whom they lead where, and that text stays text."""

import re
import time
from secrets import token_bytes
from typing import Any

import httpx2
import pytest

from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records import preview, tenant_config
from shared.records.tenant_config import PlatformSettings
from tenant_api import app
from tests.serving import serving
from tests.tenant_api.billing.world import PAGES, SHOP, TIERS, Platform, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL = "<script>alert(1)</script>"
YEARLY = Tier("max-year", "Max", 5000, UNLIMITED, Price(99_000, "usd", "year"))
NOWHERE = "plt_" + "0" * 32


async def get(world: World, path: str, **query: str) -> httpx2.Response:
    return await world.http.get(world.urls[0] + path, params=query)


async def shop(world: World, name: str | None = "Weatherly", sells: TierConfig = TIERS) -> Platform:
    platform = await world.platform(sells=sells)
    await world.store(tenant_config.settings_key(platform.platform_id) | PlatformSettings(name, (SHOP,)).to_item())
    return platform


async def draft(world: World, platform: Platform, *tiers: Tier, seconds: float = 60) -> str:
    """A draft and a preview link to it; only the token."""
    key = token_bytes(preview.KEY_BYTES)
    await world.store(preview.preview_key(platform.platform_id) | preview.key_to_item(key))
    if tiers:
        await world.store(preview.draft_key(platform.platform_id) | {"tiers": [tier.to_json() for tier in tiers]})
    return preview.token(key, platform.platform_id, int(time.time() + seconds))


def buttons(page: str) -> list[str]:
    return re.findall(r'data-buy="([^"]*)"', page)


async def test_the_pricing_page_shows_the_name_and_every_tier_without_a_script(world: World) -> None:
    platform = await shop(world)
    answer = await get(world, f"/p/{platform.platform_id}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for text in ("Weatherly", "$9", "$29", "$99", "per month", "500 calls a month", "14 days free", "Custom"):
        assert text in answer.text, text
    assert buttons(answer.text) == ["basic", "pro", "max"]
    assert 'name="interval"' not in answer.text


async def test_no_page_has_a_script_of_its_own_or_lets_one_run(world: World) -> None:
    platform = await shop(world)
    for path in ("p", "signup", "welcome"):
        answer = await get(world, f"/{path}/{platform.platform_id}")
        rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["content-security-policy"].split(";"))
        assert rules["default-src"] == "'none'"
        assert "unsafe" not in rules["script-src"]
        assert rules["script-src"].startswith(f"'self' {world.clerk_http.base_url}".rstrip("/"))
        assert (rules["frame-ancestors"], rules["base-uri"]) == ("'none'", "'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", answer.text, re.DOTALL)
        assert scripts
        assert [one for one in scripts if one] == []
        assert re.findall(r"\son\w+=|javascript:", answer.text) == []


async def test_text_of_developers_stays_text_everywhere(world: World) -> None:
    evil = Tier("pro", EVIL, 9, 9, Price(900, "usd", "month"), (EVIL, '"><img src=x onerror=alert(1)>'), popular=True)
    platform = await shop(world, EVIL, TierConfig((evil,), 1))
    token = await draft(world, platform, evil)
    paths = [f"/{page}/{platform.platform_id}?tier=pro" for page in ("p", "signup", "welcome")]
    for path in (*paths, f"/preview/{token}"):
        page = (await world.http.get(world.urls[0] + path)).text
        assert "alert(1)" in page
        assert EVIL not in page
        assert "<img" not in page


@pytest.mark.parametrize("query", [EVIL, '"><script>', "x" * 3000])
async def test_what_a_link_says_is_never_shown(world: World, query: str) -> None:
    platform = await shop(world)
    for page in ("p", "signup", "welcome"):
        asked = {"tier": query, "return_to": query, "known": query, "checkout": query}
        answer = await get(world, f"/{page}/{platform.platform_id}", **asked)
        assert answer.status_code == 200
        assert query not in answer.text
    assert query not in (await get(world, "/p/" + query.replace("/", ""))).text


@pytest.mark.parametrize("page", ["p", "signup", "welcome"])
@pytest.mark.parametrize("platform_id", [NOWHERE, "plt_1", "x" * 500, "%00", "plt_" + "A" * 32])
async def test_a_platform_that_is_not_there_is_a_page_of_its_own(world: World, page: str, platform_id: str) -> None:
    answer = await get(world, f"/{page}/{platform_id}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no service at this address" in answer.text
    assert "pages.css" in answer.text
    assert "<script" not in answer.text


async def test_a_platform_without_a_name_or_tiers_of_its_own_has_a_page_too(world: World) -> None:
    platform = await shop(world, None, TierConfig())
    page = (await get(world, f"/p/{platform.platform_id}")).text
    assert "Choose the plan that fits." in page
    assert "None" not in page
    assert "100 calls a month" in page


async def test_a_tier_without_a_price_on_the_connected_account_can_not_be_bought(world: World) -> None:
    platform = await shop(world)
    await world.connect(platform.platform_id, platform.account, connected=False)
    page = (await get(world, f"/p/{platform.platform_id}")).text
    assert buttons(page) == []
    assert page.count("Not on sale yet") == 3


async def test_monthly_and_yearly_are_chosen_between_where_there_are_both(world: World) -> None:
    platform = await shop(world, "Weatherly", TierConfig((*TIERS.tiers, YEARLY), 1))
    page = (await get(world, f"/p/{platform.platform_id}")).text
    assert 'value="month" checked' in page
    assert 'data-interval="year"' in page
    assert "Billed yearly, $82.50 a month." in page


@pytest.mark.parametrize("page", ["p", "signup", "welcome"])
async def test_leads_back_to_the_platforms_own_pages_and_ours_only(world: World, page: str) -> None:
    platform = await shop(world)
    for good in (SHOP + "/account?x=1&y=2", PAGES + "/p/" + platform.platform_id):
        found = (await get(world, f"/{page}/{platform.platform_id}", return_to=good)).text
        assert f'data-return-to="{good.replace("&", "&amp;")}"' in found
    for bad in ("https://evil.example.com", "javascript:alert(1)", "//shop.example.com", SHOP + "@evil.example.com"):
        found = (await get(world, f"/{page}/{platform.platform_id}", return_to=bad)).text
        assert 'data-return-to=""' in found


async def test_signing_up_on_the_way_to_a_tier_names_it(world: World) -> None:
    platform = await shop(world)
    page = (await get(world, f"/signup/{platform.platform_id}", tier="pro")).text
    assert 'data-tier="pro"' in page
    assert "pay for Pro" in page
    assert 'data-tier=""' in (await get(world, f"/signup/{platform.platform_id}", tier="gold")).text
    assert "Sign in" in (await get(world, f"/signup/{platform.platform_id}", known="1")).text


async def test_a_preview_shows_the_draft_and_sells_nothing(world: World) -> None:
    platform = await shop(world)
    token = await draft(world, platform, Tier("new", "Brand new", 7, 7, Price(700, "usd", "month")))
    answer = await get(world, f"/preview/{token}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "Brand new" in answer.text
    assert "nothing can be bought here" in answer.text
    assert "<script" not in answer.text
    assert "/signup/" not in answer.text
    assert "Brand new" not in (await get(world, f"/p/{platform.platform_id}")).text


async def test_a_preview_before_any_draft_shows_what_is_published(world: World) -> None:
    platform = await shop(world)
    assert "$29" in (await get(world, f"/preview/{await draft(world, platform)}")).text


async def test_a_preview_that_is_over_revoked_forged_or_none_reads_the_same(world: World) -> None:
    platform, other = await shop(world), await shop(world)
    over = await draft(world, platform, *TIERS.tiers, seconds=-1)
    revoked = await draft(world, platform, *TIERS.tiers)
    good = await draft(world, platform, *TIERS.tiers)
    platform_id, expires, signature = good.split(".")
    forged = [
        f"{platform_id}.{int(expires) + 9999}.{signature}",
        f"{other.platform_id}.{expires}.{signature}",
        f"{NOWHERE}.{expires}.{signature}",
        f"{platform_id}.{expires}.",
        f"{platform_id}.{expires}.{signature[:-2]}",
        "x",
        "a.b.c",
        "x" * 3000,
        EVIL.replace("/", ""),
    ]
    assert (await get(world, f"/preview/{good}")).status_code == 200
    for token in (over, revoked, *forged):
        answer = await get(world, f"/preview/{token}")
        assert answer.status_code == 404
        assert "This preview link does not work any more" in answer.text


async def test_files_are_served_under_their_version_and_nothing_else_is(world: World) -> None:
    page = (await get(world, f"/p/{(await shop(world)).platform_id}")).text
    found = dict.fromkeys(re.findall(r'(?:href|src)="(/pages/[^"]+)"', page))
    assert len(found) >= 4
    for path in found:
        answer = await get(world, path)
        assert (answer.status_code, answer.headers["cache-control"].split(",")[0]) == (200, "public")
    version = next(iter(found)).split("/")[2]
    for odd in ("look.py", "../look.py", "..%2flook.py", "templates/base.html", "nothing.js"):
        assert (await get(world, f"/pages/{version}/{odd}")).status_code == 404


async def test_our_own_code_of_the_first_view_is_small(world: World) -> None:
    page = await get(world, f"/p/{(await shop(world)).platform_id}")
    version = re.findall(r'"/pages/(\w+)/pages.css"', page.text)[0]
    files = ("pages.css", "icon.svg", "pricing.js", "account.js", "api.js", "notice.js")
    sizes = [len((await get(world, f"/pages/{version}/{file}")).content) for file in files]
    assert len(page.content) + sum(sizes) < 40_000


async def test_without_a_store_a_page_says_so(world: World) -> None:
    platform = await shop(world)
    alone = world.settings.model_copy(update={"dynamodb_endpoint": "http://127.0.0.1:1"})
    async with serving(app.build(alone)) as address:
        answer = await world.http.get(f"{address}/p/{platform.platform_id}")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-request-id"] in answer.text


async def test_a_checkout_returns_to_the_hosted_pages_by_default(world: World) -> None:
    user = await world.end_user(await world.platform())
    await world.checkout(user, "pro")
    customer = (await world.record(user)).customer_id
    on = {"stripe_account": user.platform.account}
    session: Any = (await world.stripe.ask.checkout.sessions.list_async({"customer": customer}, on)).data[0]
    page = f"{PAGES}/welcome/{user.platform.platform_id}?tier=pro"
    assert session.success_url == page
    assert session.cancel_url == f"{PAGES}/p/{user.platform.platform_id}?checkout=cancelled"


async def test_a_checkout_asked_for_again_with_another_way_back_is_another_one(world: World) -> None:
    user = await world.end_user(await world.platform(SHOP))
    first, again = await world.checkout(user, "pro"), await world.checkout(user, "pro")
    other = await world.post(user, "/api/create-checkout", {"tier": "pro", "successUrl": SHOP + "/thanks"})
    assert first == again
    assert other.status_code == 200
    assert other.json()["url"] != first

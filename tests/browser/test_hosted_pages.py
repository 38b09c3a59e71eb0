"""The hosted pages in a browser: what they look like to everybody, and what an end-user can do on them by clicks."""

from collections.abc import AsyncIterator
from secrets import token_hex

import httpx2
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route as Path

from infra.sandbox.layout import END_USERS
from shared.domain.tiers import Price, Tier
from tests.browser import looks, shop
from tests.browser.conftest import NewPage, Product
from tests.browser.parts import arriving
from tests.browser.people import DECLINED_CARD, pay, signed_in_at
from tests.browser.shop import Shop
from tests.browser.watch import Watcher
from tests.serving import serving

EVIL = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def weatherly(product: Product, http: httpx2.AsyncClient) -> Shop:
    """A developer with every kind of tier."""
    return await shop.opened(product.layout, http)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app() -> AsyncIterator[str]:
    """A developer's own page."""

    async def shown(_request: Request) -> Response:
        return HTMLResponse("<!doctype html><link rel=icon href=data:,><title>App</title><h1>The app</h1>")

    async with serving(Starlette(routes=[Path("/app", shown)])) as url:
        yield url


def somebody() -> str:
    return f"user-{token_hex(4)}@example.com"


async def member(page: Page, of: Shop, email: str) -> None:
    """Sign up with a platform, on its own page."""
    await page.goto(of.url("signup"))
    await sign_up(page, email)
    await expect(page.get_by_role("heading", name="You are all set")).to_be_visible()


async def sign_up(page: Page, email: str) -> None:
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_role("button", name="Continue").click()


async def looked_at(page: Page, name: str) -> None:
    """A state of a page that is kept as pictures, too."""
    await looks.stands_still(page)
    await looks.fits(page)
    await looks.axe(page)
    await looks.portraits(page, name)


def card(page: Page, tier: str) -> Locator:
    return page.locator(f'[data-tier="{tier}"]')


async def test_every_page_is_for_everybody_on_every_screen(page: Page, watcher: Watcher, weatherly: Shop) -> None:
    preview = (await weatherly.bridge("POST", "/tiers/preview"))["url"]
    watcher.expect(404, "/p/plt_nothing")
    pages = {
        "pricing": weatherly.url(),
        "preview": preview,
        "signup": weatherly.url("signup"),
        "signin": weatherly.url("signup", "?known=1"),
        "welcome": weatherly.url("welcome", "?tier=pro"),
        "nothing": weatherly.layout.url("tenant_api") + "/p/plt_nothing",
    }
    for name, url in pages.items():
        await page.goto(url, wait_until="networkidle")
        await looks.stands_still(page)
        await looks.fits(page)
        await looks.portraits(page, f"hosted-{name}")
        await looks.axe(page)
        await page.emulate_media(color_scheme="dark")
        await looks.axe(page)
        await page.emulate_media(color_scheme="light")


async def test_a_page_that_arrives_in_parts_stands_still(page: Page, weatherly: Shop) -> None:
    async with arriving(weatherly.layout.url("tenant_api"), before="<section") as url:
        await page.goto(f"{url}/p/{weatherly.platform_id}", wait_until="networkidle")
        await expect(page.locator("[data-tier]")).to_have_count(5)
        await looks.stands_still(page)


async def test_the_first_view_is_light(page: Page, weatherly: Shop) -> None:
    assert await looks.own_bytes(page, weatherly.url()) < 100_000


async def test_signs_up_is_refused_at_the_limit_buys_and_calls_again(page: Page, weatherly: Shop) -> None:
    email = somebody()
    await page.goto(weatherly.url())
    await card(page, "free").get_by_role("link", name="Start for free").click()
    await sign_up(page, email)
    await expect(page.get_by_role("heading", name="You are all set")).to_be_visible()
    await looked_at(page, "hosted-signup-done")
    assert [(await weatherly.call(email)).status_code for _ in range(4)] == [200, 200, 200, 403]

    await page.goto((await weatherly.call(email)).json()["upgradeUrl"])
    await expect(card(page, "free")).to_contain_text("3 of 3 calls used")
    await expect(card(page, "free")).to_contain_text("Your plan")
    await looked_at(page, "hosted-pricing-at-the-limit")
    await card(page, "team").get_by_role("link", name="Choose Team").click()
    await pay(page)
    await expect(page.get_by_text("Team is active: 250,000 calls a month")).to_be_visible()
    await looked_at(page, "hosted-welcome-active")
    usage = (await weatherly.call(email)).json()["usage"]
    assert (usage["plan"], usage["count"], usage["limit"]) == ("team", 4, 250_000)
    assert (await weatherly.metadata(email))["plan"] == "team"

    await page.get_by_role("link", name="See your plan").click()
    await expect(card(page, "team")).to_contain_text("4 of 250,000 calls used")
    await looked_at(page, "hosted-pricing-paying")
    await card(page, "pro").get_by_role("button", name="Switch in billing").click()
    await page.wait_for_url(lambda url: url.startswith(weatherly.layout.url("stripe")))


async def test_buys_without_an_account_in_one_go_and_returns_to_the_app(
    page: Page, product: Product, http: httpx2.AsyncClient, app: str
) -> None:
    own = await shop.opened(product.layout, http, shop.TIERS, "Acme Maps", app)
    email = somebody()
    await page.goto(own.url("p", f"?return_to={app}/app"))
    await card(page, "pro").get_by_role("link", name="Start free trial").click()
    await expect(page.get_by_text("Then you can pay for Pro.")).to_be_visible()
    await sign_up(page, email)
    await pay(page, DECLINED_CARD)
    await expect(page.get_by_role("alert")).to_contain_text("declined")
    await pay(page)
    await expect(page.get_by_role("heading", name="The app")).to_be_visible()
    assert (await own.call(email)).json()["usage"]["plan"] == "pro"


async def test_signing_up_returns_to_the_app_and_nowhere_else(
    page: Page, new_page: NewPage, product: Product, http: httpx2.AsyncClient, app: str
) -> None:
    own = await shop.opened(product.layout, http, shop.TIERS[:1], "Acme Maps", app)
    await page.goto(own.url("signup", f"?return_to={app}/app"))
    await sign_up(page, somebody())
    await expect(page.get_by_role("heading", name="The app")).to_be_visible()
    other = await new_page()
    await other.goto(own.url("signup", "?return_to=http://elsewhere.example/"))
    await sign_up(other, somebody())
    await expect(other.get_by_role("heading", name="You are all set")).to_be_visible()


async def test_who_turns_back_at_the_checkout_has_paid_nothing(page: Page, weatherly: Shop) -> None:
    await member(page, weatherly, somebody())
    await page.goto(weatherly.url())
    await card(page, "team").get_by_role("link", name="Choose Team").click()
    await page.get_by_role("link", name="Back").click()
    await expect(page.get_by_role("alert")).to_have_text("Nothing was paid.")
    await expect(card(page, "free")).to_contain_text("Your plan")


async def test_somebody_of_another_platform_is_told_so_and_stays_where_they_are(
    page: Page, watcher: Watcher, product: Product, http: httpx2.AsyncClient, weatherly: Shop
) -> None:
    other = await shop.opened(product.layout, http, shop.TIERS, "Acme Maps")
    email = somebody()
    await member(page, weatherly, email)
    watcher.expect(409, "/api/signup")
    await page.goto(other.url())
    await expect(page.get_by_text(email)).to_be_visible()
    await card(page, "team").get_by_role("link", name="Choose Team").click()
    await expect(page.get_by_role("alert")).to_contain_text("belongs to another service already")
    await looks.screenshot(page, "hosted-pricing-other-platform", full=False)
    await page.goto(other.url("signup", "?tier=team"))
    await expect(page.get_by_role("heading", name="This account is in use elsewhere")).to_be_visible()
    await looks.axe(page)
    await looks.portraits(page, "hosted-signup-other-platform")
    assert (await weatherly.metadata(email))["platformId"] == weatherly.platform_id
    await page.get_by_role("button", name="Sign out").click()
    await sign_up(page, somebody())
    await expect(page.get_by_label("Card number")).to_be_visible()


async def test_signs_in_on_the_pricing_page_and_out_again(page: Page, weatherly: Shop) -> None:
    email = somebody()
    await member(page, weatherly, email)
    await page.goto(weatherly.url())
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("link", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_up(page, email)
    await expect(card(page, "free")).to_contain_text("0 of 3 calls used")
    await expect(page.get_by_text(email)).to_be_visible()


async def test_a_sign_in_that_has_ended_is_said(
    page: Page, watcher: Watcher, http: httpx2.AsyncClient, weatherly: Shop
) -> None:
    await member(page, weatherly, somebody())
    await page.goto(weatherly.url())
    await expect(card(page, "free")).to_contain_text("Your plan")
    session = await page.evaluate("Clerk.session.id")
    await http.delete(f"{weatherly.layout.url(END_USERS)}/_sandbox/sessions/{session}")
    await page.evaluate("Clerk.session.clearCache()")
    watcher.expect(401, "/token")
    await card(page, "team").get_by_role("link", name="Choose Team").click()
    await expect(page.get_by_role("alert")).to_contain_text("Signed out")


async def test_without_a_script_everything_can_be_read_and_each_button_leads_on(
    new_page: NewPage, weatherly: Shop
) -> None:
    page = await new_page(java_script_enabled=False)
    await page.goto(weatherly.url())
    await expect(card(page, "pro")).to_be_visible()
    await expect(card(page, "pro-year")).to_be_hidden()
    await page.get_by_text("Yearly", exact=True).click()
    await expect(card(page, "pro-year")).to_contain_text("$190")
    await expect(card(page, "pro")).to_be_hidden()
    await card(page, "pro-year").get_by_role("link").click()
    await expect(page.get_by_text("Signing in needs JavaScript")).to_be_visible()


async def test_is_used_by_keyboard(page: Page, weatherly: Shop) -> None:
    await page.goto(weatherly.url())
    for _ in range(3):
        await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowRight")
    await expect(card(page, "pro-year")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(card(page, "free").get_by_role("link")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("E-mail address")).to_be_visible()


async def held(_route: Route) -> None:
    """Never answered."""


async def test_text_of_developers_is_never_run(
    page: Page, product: Product, http: httpx2.AsyncClient, weatherly: Shop
) -> None:
    short = EVIL[:60]
    evil = Tier("evil", short, 5, 5, Price(500, "usd", "month"), (EVIL, EVIL), popular=True)
    own = await shop.opened(product.layout, http, (shop.TIERS[0], evil), short)
    preview = (await own.bridge("POST", "/tiers/preview"))["url"]
    email = somebody()
    await member(page, own, email)
    for url in (own.url(), preview, own.url("signup", "?tier=evil"), own.url("welcome", "?tier=evil")):
        shown = await page.context.new_page()
        await shown.route("**/api/create-checkout", held)  # who belongs already would be sent on from the sign-up page
        await shown.goto(url)
        await expect(shown.get_by_text("window.ran").first).to_be_visible()
        await looks.fits(shown)
        assert await shown.evaluate("window.ran") is None
        await shown.close()


async def test_while_the_api_is_down_the_tiers_are_there_and_the_reason_is_said(
    page: Page, watcher: Watcher, weatherly: Shop
) -> None:
    await member(page, weatherly, somebody())
    watcher.expect_unreachable("/api/usage")
    await page.route("**/api/usage", gone)
    await page.goto(weatherly.url())
    await expect(page.get_by_role("alert")).to_contain_text("Your plan can't be shown just now.")
    await expect(card(page, "team")).to_be_visible()


async def test_without_clerk_the_pages_say_so(page: Page, watcher: Watcher, weatherly: Shop) -> None:
    for path in ("/clerk.browser.js", "/ui.browser.js"):
        watcher.expect_unreachable(path)
        await page.route(f"**{path}", gone)
    await page.goto(weatherly.url())
    await card(page, "team").get_by_role("link", name="Choose Team").click()
    await expect(page.get_by_text("Signing in is out of reach just now.")).to_be_visible()
    await looks.axe(page)
    await page.goto(weatherly.url("welcome"))
    await expect(page.get_by_text("Your plan becomes active within a minute")).to_be_visible()


async def test_a_plan_that_does_not_come_is_said_after_a_minute(page: Page, weatherly: Shop) -> None:
    await member(page, weatherly, somebody())
    await page.clock.install()
    await page.goto(weatherly.url("welcome", "?tier=team"))
    await expect(page.get_by_text("Team is active in a moment.")).to_be_visible()
    await page.clock.fast_forward("01:05")
    await expect(page.get_by_text("the plan is not active yet")).to_be_visible()
    await looks.axe(page)
    await looks.screenshot(page, "hosted-welcome-waiting")


async def test_a_session_of_clerks_own_page_is_taken_here_too(page: Page, weatherly: Shop) -> None:
    email = somebody()
    await signed_in_at(page, weatherly.layout, END_USERS, email, weatherly.url())
    await card(page, "free").get_by_role("link", name="Start for free").click()
    await expect(page.get_by_role("heading", name="You are all set")).to_be_visible()
    assert (await weatherly.metadata(email)) == {"platformId": weatherly.platform_id, "plan": "free"}


async def gone(route: Route) -> None:
    await route.abort()

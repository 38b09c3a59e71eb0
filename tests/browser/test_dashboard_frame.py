"""The dashboard's frame: signing in and out, addresses, sessions that end, services that are down, and its weight."""

import re

import httpx2
import pytest
from playwright.async_api import Page, expect

from infra.sandbox.layout import DEVELOPERS
from tests.browser import looks
from tests.browser.conftest import Product
from tests.browser.developer import VIEWS, Dashboard
from tests.browser.parts import arriving
from tests.browser.watch import Watcher

FIRST_VIEW_BYTES = 100_000


async def test_the_landing_page_says_what_it_is_and_leads_to_signing_in(page: Page, product: Product) -> None:
    await page.goto(product.url("platform_api", "/"), wait_until="networkidle")
    await looks.stands_still(page)  # before it is made smaller and larger
    await looks.portraits(page, "landing")
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await looks.axe(page)
    await looks.fits(page)
    await page.get_by_role("link", name="Start free").first.click()
    await expect(page.get_by_role("heading", name="Sign in to dream-api")).to_be_visible()


async def test_a_landing_page_that_arrives_in_parts_stands_still(page: Page, product: Product) -> None:
    async with arriving(product.url("platform_api"), before="<li>") as url:
        await page.goto(url, wait_until="networkidle")
        await expect(page.get_by_role("heading", name="Paid")).to_be_visible()
        await looks.stands_still(page)


async def test_somebody_signed_out_signs_in_and_lands_where_they_wanted(page: Page, product: Product) -> None:
    await page.goto(product.url("platform_api", "/dashboard#connections"))
    await expect(page.get_by_role("heading", name="Sign in to dream-api")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Dashboard")).to_be_hidden()
    await looks.axe(page)
    await looks.fits(page)
    await looks.portraits(page, "dashboard-signed-out")
    await page.get_by_label("E-mail address").fill("comes-back@example.com")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Connections")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to dream-api")).to_be_visible()
    await expect(page.get_by_role("heading", name="Connections")).to_be_hidden()


async def test_a_form_half_filled_in_stays_when_clerk_tells_of_something(page: Page, product: Product) -> None:
    await page.goto(product.url("platform_api", "/dashboard"))
    await page.get_by_label("E-mail address").fill("half@")
    await page.evaluate("Clerk.load()")
    assert await page.get_by_label("E-mail address").input_value() == "half@"


async def test_an_ended_session_is_said_and_the_view_is_there_again_afterwards(
    page: Page, product: Product, watcher: Watcher
) -> None:
    dashboard = await Dashboard.with_platform(page, product, "credentials")
    session = await page.evaluate("Clerk.session.id")
    async with httpx2.AsyncClient(trust_env=False) as http:
        await http.delete(product.url(DEVELOPERS, f"/_sandbox/sessions/{session}"))
    watcher.expect(401, f"/_sandbox/sessions/{session}/token")
    watcher.expect(401, f"/_sandbox/sessions/{session}")
    await page.evaluate("Clerk.session.clearCache()")
    await page.get_by_role("link", name="Tiers").click()
    await expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-session-ended")
    await page.get_by_role("button", name="Sign in again").click()
    await page.get_by_label("E-mail address").fill(dashboard.email)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Tiers", exact=True)).to_be_visible()


async def test_without_the_sign_in_service_it_says_so_and_can_be_tried_again(
    page: Page, product: Product, watcher: Watcher
) -> None:
    watcher.expect_unreachable("/clerk.browser.js")
    await page.route("**/clerk.browser.js", lambda route: route.abort())
    await page.goto(product.url("platform_api", "/dashboard"))
    await expect(page.get_by_role("alert")).to_contain_text("The sign-in service can't be reached.")
    await looks.axe(page)
    await looks.fits(page)
    await looks.screenshot(page, "dashboard-no-clerk")
    await page.unroute("**/clerk.browser.js")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Sign in to dream-api")).to_be_visible()


@pytest.mark.parametrize(
    ("part", "view", "named"),
    [
        ("platform_api", "overview", "The dream-api server"),
        ("platform_api", "credentials", "The dream-api server"),
        ("oauth_bridge", "tiers", "The connections service"),
        ("oauth_bridge", "connections", "The connections service"),
        ("tenant_api", "customers", "The metering service"),
        ("tenant_api", "insights", "The metering service"),
        ("tenant_api", "webhooks", "The metering service"),
    ],
)
async def test_a_service_that_is_down_is_named_and_can_be_tried_again(
    part: str, view: str, named: str, page: Page, product: Product, watcher: Watcher
) -> None:
    dashboard = await Dashboard.with_platform(page, product, "overview" if view == "connections" else "connections")
    apis = re.compile(re.escape(product.url(part)) + r"/(usage|get-cred|tiers|connections|settings|api/developer)")
    watcher.expect_unreachable("")
    await page.route(apis, lambda route: route.abort())
    await dashboard.open(view)
    await page.reload()
    await dashboard.settled()
    wrong = page.get_by_role("alert").filter(has_text=named).first
    await expect(wrong).to_contain_text("can't be reached. Check your connection and try again.")
    await looks.axe(page)
    await looks.fits(page)
    await looks.screenshot(page, f"dashboard-down-{view}")
    await page.unroute(apis)
    again = page.get_by_role("button", name="Try again")
    while await again.count():
        await again.first.click()
        await dashboard.settled()
    await expect(page.get_by_role("alert").filter(has_text=named)).to_have_count(0)


async def test_an_answer_that_is_an_error_shows_its_sentence_and_request_id(
    page: Page, product: Product, watcher: Watcher
) -> None:
    dashboard = await Dashboard.with_platform(page, product, "tiers")
    watcher.expect(503, "/connections")
    body = '{"error": "unavailable", "message": "The store is resting.", "requestId": "req_of_this_test"}'
    headers = {"Access-Control-Allow-Origin": product.url("platform_api"), "Access-Control-Allow-Credentials": "true"}
    await page.route("**/connections", lambda route: route.fulfill(status=503, body=body, headers=headers))
    await dashboard.tab("Connections")
    await expect(page.get_by_role("alert")).to_contain_text("The store is resting.")
    await expect(page.get_by_role("alert")).to_contain_text("Request req_of_this_test")


async def test_addresses_name_views_and_the_back_button_goes_back(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "overview")
    await dashboard.tab("Credentials")
    await expect(page).to_have_title("Credentials · dream-api")
    await expect(page.get_by_role("heading", name="Credentials", level=1)).to_be_focused()
    await dashboard.tab("Connections")
    await page.go_back()
    await expect(page.get_by_role("heading", name="Credentials", level=1)).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    await page.go_forward()
    await expect(page.get_by_role("link", name="Credentials", exact=True)).to_have_attribute("aria-current", "page")
    await page.goto(dashboard.address("no-such-view"))
    await expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()


async def test_the_keyboard_skips_to_the_page(page: Page, product: Product) -> None:
    await Dashboard.with_platform(page, product, "credentials")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await expect(page.get_by_role("heading", name="Credentials", level=1)).to_be_visible()


async def test_the_first_view_is_light_and_every_view_together_too(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product)
    await page.goto("about:blank")
    assert await looks.own_bytes(page, dashboard.address("overview")) < FIRST_VIEW_BYTES
    everything = 0
    for view in VIEWS:
        await page.goto("about:blank")
        everything = max(everything, await looks.own_bytes(page, dashboard.address(view)))
    assert everything < FIRST_VIEW_BYTES

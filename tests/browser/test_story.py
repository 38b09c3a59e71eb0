"""The whole story by clicks: a developer from the landing page to the first revenue, and who pays it."""

import asyncio
import re

import httpx2
from playwright.async_api import Page, expect

from infra.sandbox.layout import END_USERS
from tests.browser import looks
from tests.browser.conftest import NewPage, Product
from tests.browser.developer import Dashboard
from tests.browser.people import pay

DEVELOPER, END_USER = "founder@example.com", "first-customer@example.com"
LONGEST_SECONDS = 20


async def call(product: Product, headers: dict[str, str], route: str = "POST /api/data") -> httpx2.Response:
    method, _, path = route.partition(" ")
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        return await http.request(method, product.url("tenant_api", path), headers=headers)


async def arrive(page: Page, product: Product) -> Dashboard:
    """From the landing page to being signed in."""
    await page.goto(product.url("platform_api", "/"))
    await page.get_by_role("link", name="Start free").first.click()
    await page.get_by_label("E-mail address").fill(DEVELOPER)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    dashboard = Dashboard(page, product, DEVELOPER)
    await dashboard.settled()
    return dashboard


async def upgrade(dashboard: Dashboard) -> None:
    page = dashboard.page
    await page.locator("#billing").get_by_role("button", name="Upgrade").click()
    await pay(page)
    await expect(page.get_by_text("Thank you. You are on the paid plan now.").first).to_be_visible(timeout=20_000)
    await dashboard.settled()
    await expect(page.locator("#billing")).to_contain_text("Paid")


async def get_key(dashboard: Dashboard) -> str:
    page = dashboard.page
    await page.get_by_role("button", name="Create key").click()
    await expect(page.get_by_role("heading", name="Credentials", level=1)).to_be_visible()
    await page.get_by_role("button", name="Show the API key").click()
    return await page.locator("dl code").nth(1).inner_text()


async def see_calls(dashboard: Dashboard, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": "alice"}
    async with asyncio.timeout(LONGEST_SECONDS):
        while (await call(dashboard.product, headers)).status_code != 200:
            await asyncio.sleep(0.2)  # a new key is known within two seconds
    assert [(await call(dashboard.product, headers)).status_code for _ in range(2)] == [200, 200]
    await dashboard.tab("Overview")
    await expect(dashboard.page.locator("main dl.figures")).to_contain_text("3 today")


async def connect(dashboard: Dashboard) -> None:
    page = dashboard.page
    await dashboard.tab("Connections")
    await page.get_by_role("button", name="Connect Stripe").click()
    await page.wait_for_url(lambda url: dashboard.product.url("stripe") in url)
    await page.get_by_role("button").first.click()
    await expect(page.get_by_text("Your Stripe account is connected.").first).to_be_visible()
    await dashboard.settled()


async def publish(dashboard: Dashboard) -> str:
    """Edit and publish tiers; the address of the pricing page."""
    page = dashboard.page
    await dashboard.tab("Tiers")
    free = page.locator("details.tier").first
    await free.locator("summary").click()
    await free.get_by_label("Calls a month", exact=True).fill("2")
    await page.get_by_role("button", name="Add a tier").click()
    made = page.locator("details.tier").last
    await made.get_by_label("Display name").fill("Pro")
    await made.get_by_label("Amount").fill("19")
    await page.get_by_label("Name", exact=True).last.fill("Weather Now")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Name and return addresses are saved.").first).to_be_visible()
    await page.get_by_role("button", name="Preview link").click()
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Open preview").click()
    preview = await opened.value
    await expect(preview.get_by_text("$19")).to_be_visible()
    await preview.close()
    await page.get_by_role("button", name="Close", exact=True).click()
    await page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Pro: new")
    await dialog.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_text("Version 1 is live").first).to_be_visible()
    await dashboard.settled()
    return str(await page.get_by_role("link", name="Open the pricing page").get_attribute("href"))


async def join_and_buy(page: Page, product: Product, address: str) -> None:
    """An end-user signs up, calls until refused, buys, and calls again."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while (await page.goto(address)) is None or not await page.get_by_text("Start for free").count():
            await asyncio.sleep(0.2)
    await page.get_by_role("link", name="Start for free").click()
    await page.get_by_label("E-mail address").fill(END_USER)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="You are all set")).to_be_visible()

    async def answered(route: str = "POST /api/data") -> httpx2.Response:
        token = await page.evaluate(f"Clerk.session.getToken({{ template: '{END_USERS}', skipCache: true }})")
        return await call(product, {"Authorization": f"Bearer {token}"}, route)

    async with asyncio.timeout(LONGEST_SECONDS):
        while (await answered("GET /api/usage")).json()["limit"] != 2:  # tiers are remembered for up to 2 seconds
            await asyncio.sleep(0.2)
    assert [(await answered()).status_code for _ in range(3)] == [200, 200, 403]
    await page.goto(address)
    await page.get_by_text("Choose Pro").click()
    await pay(page)
    await expect(page.get_by_text(re.compile("Pro is active:"))).to_be_visible(timeout=20_000)
    last = await answered()
    assert last.status_code == 200, last.text


async def test_from_the_landing_page_to_the_first_revenue(new_page: NewPage, product: Product) -> None:
    page, other = await new_page(), await new_page()
    dashboard = await arrive(page, product)
    await upgrade(dashboard)
    key = await get_key(dashboard)
    await see_calls(dashboard, key)
    await connect(dashboard)
    address = await publish(dashboard)
    await join_and_buy(other, product, address)
    await dashboard.tab("Insights")
    async with asyncio.timeout(LONGEST_SECONDS):
        while not await page.get_by_text("$19 paid this month").count():
            await page.get_by_role("button", name="Refresh").click()
            await dashboard.settled()
    await looks.screenshot(page, "story-revenue")
    await dashboard.tab("Overview")
    await expect(page.get_by_text("All set")).to_be_visible()
    await looks.screenshot(page, "story-all-set")

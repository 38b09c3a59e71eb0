"""Customers, insights and webhooks of a platform in use: what the developer sees is what happened."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx2
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser import looks
from tests.browser.conftest import NewPage, Product
from tests.browser.developer import Dashboard
from tests.browser.people import pay
from tests.browser.shop import Shop, opened
from tests.browser.watch import Watcher

EVIL = "<script>window.ran = true</script>"
LIMITED = [f"member-{number:02}" for number in range(52)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(product: Product, http: httpx2.AsyncClient) -> Shop:
    """A shop with 54 end-users: one called until refused, one nearly so, the rest once."""
    shop = await opened(product.layout, http)
    for user, calls in [("greedy", 5), (EVIL, 3), *((one, 1) for one in LIMITED)]:
        for _ in range(calls):
            headers = {"Authorization": f"Bearer {shop.key}", "X-User-Id": user}
            await http.post(product.url("tenant_api", "/api/data"), headers=headers)
    return shop


async def dashboard_of(shop: Shop, page: Page, product: Product, view: str) -> Dashboard:
    return await Dashboard.opened(page, product, view, shop.email)


async def checkout(shop: Shop, user: str) -> str:
    """Where an end-user pays for a tier, sent there by the developer's server."""
    body = {"tier": "team", "email": f"{user}@example.com"}
    headers = {"Authorization": f"Bearer {shop.key}", "X-User-Id": user}
    asked = await shop.http.post(shop.layout.url("tenant_api") + "/api/create-checkout", headers=headers, json=body)
    return str(asked.json()["url"])


async def pay_at(page: Page, url: str) -> None:
    await page.goto(url)
    await pay(page)
    await page.wait_for_url(lambda there: "/checkout" not in there and "/c/pay" not in there)


async def test_customers_are_listed_by_use_searched_narrowed_and_turned_over(
    page: Page, product: Product, shop: Shop
) -> None:
    dashboard = await dashboard_of(shop, page, product, "customers")
    rows = page.get_by_role("region", name="Customers").locator("tbody tr")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_contain_text("of 3")
    await page.get_by_role("link", name="Next page").click()
    await expect(page.get_by_text("The last page")).to_be_visible()
    await expect(rows).to_have_count(4)
    await page.go_back()
    await expect(rows).to_have_count(50)
    await page.get_by_label("Search").fill("gree")
    await expect(rows).to_have_count(1)
    assert page.url.endswith("#customers?q=gree")
    await page.reload()
    await dashboard.settled()
    await expect(rows).to_have_count(1)
    await page.get_by_label("Search").fill("nobody-is-called-so")
    await expect(page.get_by_role("heading", name="Nobody matches")).to_be_visible()
    await page.get_by_role("link", name="Show everybody").click()
    await expect(rows).to_have_count(50)
    await page.get_by_label("Order").select_option("name")
    await expect(rows.nth(1)).to_contain_text("greedy")
    await page.get_by_label("Tier").select_option("team")
    await expect(page.get_by_role("heading", name="Nobody matches")).to_be_visible()


async def test_a_customer_has_a_page_with_days_and_limit(page: Page, product: Product, shop: Shop) -> None:
    dashboard = await dashboard_of(shop, page, product, "customers?q=greedy")
    await page.get_by_role("link", name="greedy").click()
    await expect(page.get_by_role("heading", name="greedy", level=1)).to_be_focused()
    await dashboard.settled()
    await expect(page.get_by_role("meter")).to_have_attribute("aria-valuenow", "3")
    await expect(page.get_by_role("img", name=re.compile("Calls per day. 3 calls in"))).to_be_visible()
    await page.get_by_text("Show as a table").click()
    days = page.get_by_role("region", name="Calls per day as a table")
    await expect(days.get_by_role("cell", name="3", exact=True)).to_be_visible()
    await looks.axe(page)
    await looks.fits(page)
    await looks.portraits(page, "dashboard-customer")
    await page.get_by_role("link", name="Customers").last.click()
    await expect(page.get_by_role("heading", name="Customers", level=1)).to_be_visible()


async def test_somebody_never_seen_is_said_so(page: Page, product: Product, shop: Shop, watcher: Watcher) -> None:
    watcher.expect(404, "/api/developer/customer")
    await dashboard_of(shop, page, product, "customers/nobody-of-this-id")
    await expect(page.get_by_role("heading", name="Never seen")).to_be_visible()
    await expect(page.get_by_role("link", name="All customers")).to_be_visible()


async def test_insights_add_up_and_nothing_users_wrote_is_run(page: Page, product: Product, shop: Shop) -> None:
    dashboard = await dashboard_of(shop, page, product, "insights")
    figures = page.locator("main dl.figures").first
    await expect(figures).to_contain_text("58")
    await expect(figures).to_contain_text("2 over the month's limit")
    near = page.get_by_role("region", name="Users close to their limit")
    await expect(near.locator("tbody tr")).to_have_count(2)
    await expect(near).to_contain_text(EVIL)
    await looks.axe(page)
    await looks.fits(page)
    await looks.portraits(page, "dashboard-insights-in-use")
    await near.get_by_role("link", name=EVIL).click()
    await dashboard.settled()
    await expect(page.get_by_role("heading", name=EVIL, level=1)).to_be_visible()
    assert page.url.endswith("#customers/" + quote(EVIL, safe="()"))
    assert await page.evaluate("window.ran") is None


async def test_a_sale_is_seen_as_revenue_as_a_subscription_and_as_events(
    new_page: NewPage, product: Product, http: httpx2.AsyncClient
) -> None:
    shop = await opened(product.layout, http)  # one in which nobody else buys
    customer, page = await new_page(), await new_page()
    await pay_at(customer, await checkout(shop, "buyer"))
    dashboard = await dashboard_of(shop, page, product, "insights")
    async with asyncio.timeout(20):
        while not await page.get_by_text("$99 paid this month").count():
            await page.get_by_role("button", name="Refresh").click()
            await dashboard.settled()
    await expect(page.locator("main dl.figures").first).to_contain_text("MRR in USD")
    await dashboard.open("customers/buyer")
    await expect(page.locator("main")).to_contain_text("Active")
    await expect(page.locator("main")).to_contain_text("Paid until")
    await dashboard.tab("Webhooks")
    await expect(page.get_by_role("region", name="Events")).to_contain_text("customer.subscription.created")
    await looks.axe(page)
    await looks.fits(page)
    await looks.portraits(page, "dashboard-webhooks-in-use")


async def test_an_event_that_failed_is_replayed_by_a_click(new_page: NewPage, product: Product, shop: Shop) -> None:
    customer, page = await new_page(), await new_page()
    faults = product.url("stripe", "/_sandbox/faults")
    url = await checkout(shop, "unlucky")
    await shop.http.post(faults, json={"next": [{"status": 500, "path": "/v1/subscriptions", "times": 500}]})
    try:
        await pay_at(customer, url)
        dashboard = await dashboard_of(shop, page, product, "webhooks")
        again = page.get_by_role("button", name=re.compile("^Replay customer.subscription.created"))
        async with asyncio.timeout(20):
            while not await again.count():
                await page.get_by_role("button", name="Refresh").click()
                await dashboard.settled()
        await expect(page.get_by_text("Failed").first).to_be_visible()
        await looks.axe(page)
        await looks.portraits(page, "dashboard-webhooks-failed")
        await again.first.click()
        await expect(page.locator(".toast.bad")).to_be_visible()
    finally:
        await shop.http.post(faults, json={"next": []})
    await again.first.click()
    await expect(page.get_by_text("customer.subscription.created was replayed.").first).to_be_visible()
    await expect(again).to_have_count(0)

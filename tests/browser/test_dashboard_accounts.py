"""Paying, connecting Stripe and linking GitHub by clicks, with what is said on the way back."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser import looks
from tests.browser.conftest import Product
from tests.browser.developer import Dashboard
from tests.browser.people import pay


async def test_paying_leads_back_to_a_paid_plan_and_to_managing_it(page: Page, product: Product) -> None:
    dashboard = await Dashboard.opened(page, product, "overview")
    await page.locator("#billing").get_by_role("button", name="Upgrade").click()
    await pay(page)
    await page.wait_for_url(re.compile("/dashboard"))
    await expect(page.get_by_text("Thank you. You are on the paid plan now.").first).to_be_visible(timeout=20_000)
    await expect(page.locator("#billing")).to_contain_text("Paid")
    assert "checkout" not in page.url
    await dashboard.settled()
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-paid")
    await page.get_by_role("button", name="Manage billing").click()
    await page.wait_for_url(lambda url: product.url("stripe") in url)


async def test_leaving_the_payment_page_says_that_nothing_was_charged(page: Page, product: Product) -> None:
    dashboard = await Dashboard.opened(page, product, "connections")
    await page.goto(product.url("platform_api", "/dashboard?checkout=cancelled#billing"))
    await dashboard.settled()
    await expect(page.get_by_text("Nothing was charged.").first).to_be_visible()
    assert page.url.endswith("/dashboard#billing")


async def test_stripe_is_connected_and_disconnected_by_clicks(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "connections")
    await page.get_by_role("button", name="Connect Stripe").click()
    await page.wait_for_url(lambda url: product.url("stripe") in url)
    await page.get_by_role("button").first.click()
    await page.wait_for_url(re.compile("/dashboard"))
    await expect(page.get_by_text("Your Stripe account is connected.").first).to_be_visible()
    await dashboard.settled()
    assert page.url.endswith("/dashboard#connections")
    await expect(page.get_by_text("acct_")).to_be_visible()
    await looks.axe(page)
    await looks.portraits(page, "dashboard-connected")
    await page.get_by_role("button", name="Disconnect").click()
    await page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    await expect(page.get_by_text("Stripe is disconnected.").first).to_be_visible()
    await expect(page.get_by_role("button", name="Connect again")).to_be_visible()


async def test_github_is_linked_and_unlinked_by_clicks(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "connections")
    await page.get_by_role("button", name="Link GitHub").click()
    await page.wait_for_url(lambda url: product.url("github") in url)
    await page.get_by_role("button").first.click()
    await page.wait_for_url(re.compile("/dashboard"))
    await expect(page.get_by_text("Your GitHub account is linked.").first).to_be_visible()
    await dashboard.settled()
    await page.get_by_role("button", name="Unlink").click()
    await page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    await expect(page.get_by_text("GitHub is unlinked.").first).to_be_visible()
    await expect(page.get_by_role("button", name="Link GitHub")).to_be_visible()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("stripe=denied", "You did not allow the connection at Stripe"),
        ("stripe=in_use", "connected to another platform"),
        ("stripe=invalid_state", "had expired or was used already"),
        ("stripe=<script>", "The connection did not work."),
        ("github=denied", "You did not allow the link at GitHub"),
    ],
)
async def test_what_did_not_work_out_is_said_once(query: str, said: str, page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "overview")
    await page.goto(product.url("platform_api", f"/dashboard?{query}"))
    await dashboard.settled()
    await expect(page.get_by_text(said).first).to_be_visible()
    await expect(page.get_by_role("heading", name="Connections", level=1)).to_be_visible()
    await page.reload()
    await dashboard.settled()
    await expect(page.get_by_text(said)).to_have_count(0)

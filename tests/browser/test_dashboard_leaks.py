"""A key found in public: the developer chooses what happens, is told on the dashboard, and sees addresses as text."""

import httpx2
from playwright.async_api import Page, expect

from tests.browser import looks
from tests.browser.conftest import Product
from tests.browser.developer import Dashboard

PLACE = "javascript:alert(1)//github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/config.py"


async def leaked(product: Product, key: str) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        told = await http.post(product.url("github", "/_sandbox/leak"), data={"token": key, "url": PLACE})
    assert [one["label"] for one in told.json()] == ["true_positive"]


async def test_a_leaked_key_is_answered_as_the_developer_chose_and_told_until_dismissed(
    page: Page, product: Product
) -> None:
    dashboard = await Dashboard.with_platform(page, product, "credentials")
    await page.get_by_label("Rotate it").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved for the next alert.").first).to_be_visible()
    key = (await dashboard.call("platform_api", "GET", "/get-credentials"))["apiKey"]
    await leaked(product, key)
    await dashboard.open("overview")
    card = page.get_by_role("region", name="Your API key was found in public")
    await expect(card).to_contain_text(f"The key ending in {key[-4:]} was rotated just now")
    await expect(card.get_by_text(PLACE)).to_be_visible()
    assert await page.locator('a[href^="javascript"]').count() == 0
    await looks.axe(page)
    await card.get_by_role("link", name="Go to credentials").click()
    await dashboard.settled()
    await expect(page.get_by_label("Rotate it")).to_be_checked()
    await looks.axe(page)
    await looks.fits(page)
    await looks.portraits(page, "dashboard-leak")
    await card.get_by_role("button", name="Dismiss").click()
    await expect(card).to_have_count(0)
    await expect(page.get_by_text("The key before this one still works until")).to_be_visible()

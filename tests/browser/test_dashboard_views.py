"""Every view of the dashboard, empty and in use: readable by everybody, fitting, and standing still."""

import pytest
from playwright.async_api import Page, expect

from tests.browser import looks
from tests.browser.conftest import NewPage, Product
from tests.browser.developer import VIEWS, Dashboard

EMPTY = {
    "overview": "Set up",
    "credentials": "Create your platform",
    "tiers": "Create your platform first",
    "customers": "No API key yet",
    "insights": "No API key yet",
    "connections": "Create your platform first",
    "webhooks": "No API key yet",
}
MOST_SHIFT = 0.02


async def looked_at(page: Page, name: str) -> None:
    """What every view must be, in both schemes and at both widths."""
    await looks.portraits(page, name)
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await looks.axe(page)
    await looks.fits(page)


@pytest.mark.parametrize("view", VIEWS)
async def test_an_empty_account_is_told_what_to_do(view: str, page: Page, product: Product) -> None:
    await Dashboard.opened(page, product, view)
    await expect(page.locator("main").get_by_role("heading", name=EMPTY[view])).to_be_visible()
    assert await page.locator("main").get_by_role("button").or_(page.locator("main").get_by_role("link")).count() > 0
    await looked_at(page, f"dashboard-{view}-empty")


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_in_use_is_for_everybody_and_fits(view: str, page: Page, product: Product) -> None:
    await Dashboard.opened(page, product, view, "dev@example.com")
    await looked_at(page, f"dashboard-{view}")


@pytest.mark.parametrize("view", VIEWS)
async def test_the_main_column_stands_still_while_a_view_loads(view: str, new_page: NewPage, product: Product) -> None:
    page = await new_page()
    dashboard = await Dashboard.opened(page, product, view, "dev@example.com")
    await page.goto("about:blank")
    await page.goto(dashboard.address(view), wait_until="commit")
    await page.locator("main").wait_for()
    before = await page.locator("main").bounding_box()
    await dashboard.settled()
    after = await page.locator("main").bounding_box()
    assert before is not None
    assert after is not None
    assert (before["x"], before["y"], before["width"]) == (after["x"], after["y"], after["width"])
    await looks.stands_still(page, MOST_SHIFT)

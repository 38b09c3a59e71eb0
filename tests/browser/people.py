"""What a person does on the stand-ins' pages: sign in at either Clerk app, pay on Stripe's checkout."""

from urllib.parse import quote

from playwright.async_api import Page, expect

from infra.sandbox.layout import DEVELOPERS, END_USERS, Layout

TEST_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"

__all__ = ["DECLINED_CARD", "DEVELOPERS", "END_USERS", "TEST_CARD", "pay", "sign_in", "signed_in_at"]


async def sign_in(page: Page, email: str) -> None:
    """On a sign-in or sign-up page already: give the address and go where it leads."""
    here = page.url
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url(lambda url: url != here)


async def signed_in_at(page: Page, layout: Layout, app: str, email: str, url: str) -> None:
    """Open an address as somebody who has just signed in to an app, DEVELOPERS or END_USERS."""
    await page.goto(f"{layout.url(app)}/sign-in?redirect_url={quote(url, safe='')}")
    await sign_in(page, email)
    await page.wait_for_function("() => window.Clerk && window.Clerk.loaded && window.Clerk.isSignedIn")


async def pay(page: Page, card: str = TEST_CARD) -> None:
    """On the checkout page: pay with a card; leads back to where the checkout says."""
    await expect(page.get_by_label("Card number")).to_be_visible()
    await page.get_by_label("Card number").fill(card)
    await page.get_by_role("button").last.click()

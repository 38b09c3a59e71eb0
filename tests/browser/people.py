"""What a person does on the stand-ins' pages: sign in at either Clerk app, pay on Stripe's checkout."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from playwright.async_api import Page, expect

from infra.sandbox.layout import DEVELOPERS, END_USERS, Layout

TEST_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
SIGNED_IN = "() => window.Clerk && window.Clerk.loaded && window.Clerk.isSignedIn"

__all__ = ["DECLINED_CARD", "DEVELOPERS", "END_USERS", "TEST_CARD", "comes_signed_in", "pay", "sign_in", "signed_in_at"]


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
    await page.wait_for_function(SIGNED_IN)


async def comes_signed_in(page: Page, layout: Layout, app: str, email: str, url: str) -> None:
    """The same without the sign-in page on screen: asks what it asks and goes where it leads."""
    asked = await page.request.post(f"{layout.url(app)}/_sandbox/sessions", data={"email": email})
    parts = urlsplit(url)
    session = urlencode([*parse_qsl(parts.query), ("__clerk_sandbox_session", (await asked.json())["sessionId"])])
    await page.goto(urlunsplit(parts._replace(query=session)))
    await page.wait_for_function(SIGNED_IN)


async def pay(page: Page, card: str = TEST_CARD) -> None:
    """On the checkout page: pay with a card; leads back to where the checkout says."""
    await expect(page.get_by_label("Card number")).to_be_visible()
    await page.get_by_label("Card number").fill(card)
    await page.get_by_role("button").last.click()

"""One developer at the dashboard: signs in, opens views, waits until they are filled, calls the APIs on the side."""

import asyncio
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx2
from playwright.async_api import Page

from infra.sandbox.layout import DEVELOPERS
from tests.browser.conftest import Product
from tests.browser.people import comes_signed_in

LONGEST_SYNC_SECONDS = 10
VIEWS = ("overview", "credentials", "tiers", "customers", "insights", "connections", "webhooks")

SETTLED = """() => document.documentElement.dataset.state === "in"
  && document.querySelector("main h1") && !document.querySelector('main[aria-busy="true"], main [aria-busy="true"]')"""


@dataclass
class Dashboard:
    """The dashboard of a developer in a page."""

    page: Page
    product: Product
    email: str

    @classmethod
    async def opened(
        cls, page: Page, product: Product, view: str = "overview", email: str | None = None
    ) -> "Dashboard":
        """Signed in, by default as somebody nobody has seen before, with a view on screen."""
        made = cls(page, product, email or f"dev-{token_hex(5)}@example.com")
        await comes_signed_in(page, product.layout, DEVELOPERS, made.email, made.address(view))
        await made.settled()
        return made

    @classmethod
    async def with_platform(cls, page: Page, product: Product, view: str = "overview") -> "Dashboard":
        """The same for somebody who has a platform and a key."""
        made = cls(page, product, f"dev-{token_hex(5)}@example.com")
        key = (await made.call("platform_api", "POST", "/generate-credentials"))["apiKey"]
        await becomes(product, key, good=True)  # the page would wait for a key that it has made itself
        return await cls.opened(page, product, view, made.email)

    def address(self, view: str) -> str:
        return self.product.url("platform_api", f"/dashboard#{view}")

    async def open(self, view: str) -> None:
        await self.page.goto(self.address(view))
        # Another hash is told to the page a moment later; until then it is settled on what it showed before.
        await self.page.evaluate("() => new Promise((done) => setTimeout(done, 0))")
        await self.settled()

    async def tab(self, name: str) -> None:
        await self.page.get_by_role("navigation", name="Dashboard").get_by_role("link", name=name).click()
        await self.page.get_by_role("heading", name=name, level=1).wait_for()
        await self.settled()

    async def settled(self) -> None:
        """Until nothing on screen is awaited any more."""
        await self.page.wait_for_function(SETTLED)

    async def call(self, part: str, method: str, path: str, body: object = None) -> Any:
        """What a service answers this developer."""
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
            asked = {"email": self.email, "template": DEVELOPERS}
            minted = await http.post(self.product.url(DEVELOPERS, "/_sandbox/token"), json=asked)
            headers = {"Authorization": f"Bearer {minted.json()['jwt']}"}
            answer = await http.request(method, self.product.url(part, path), headers=headers, json=body)
        assert answer.is_success, answer.text
        return answer.json()


async def works(product: Product, key: str) -> bool:
    """Whether the metering service takes a key."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        headers = {"Authorization": f"Bearer {key}", "X-User-Id": "alice"}
        return (await http.get(product.url("tenant_api", "/api/usage"), headers=headers)).status_code == 200


async def becomes(product: Product, key: str, *, good: bool) -> None:
    """Until the metering service has heard of it."""
    async with asyncio.timeout(LONGEST_SYNC_SECONDS):
        while await works(product, key) != good:
            await asyncio.sleep(0.1)

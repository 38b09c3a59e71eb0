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
        await made.taken(key)
        return await cls.opened(page, product, view, made.email)

    async def taken(self, key: str) -> None:
        """Until tenant_api takes a key that was made without the page, which would wait for that itself."""
        url = self.product.url("tenant_api", "/api/developer/dashboard")
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as http, asyncio.timeout(20):
            while (await http.get(url, headers=headers)).is_error:
                await asyncio.sleep(0.05)

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

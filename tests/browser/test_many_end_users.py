"""The dashboard of a platform with 100,000 end-users: every view is there and leads to each of them.

A sandbox of its own on the native engine. Some end-users call; the crowd are copies of these (tests/crowd.py). On
moto, where there is no native engine, the callers are all there is.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import expect

from infra.sandbox.engine import NoNativeEngine, installed
from infra.sandbox.layout import REGION, STATE
from infra.sandbox.seed import DEVELOPER
from shared.adapters.dynamodb import Dynamo, put
from shared.metering.share import Share, added
from tenant_api.repositories.activity import Activity, ActivityRows
from tests.browser import looks
from tests.browser.conftest import NewPage, Product, told_by
from tests.browser.developer import Dashboard
from tests.crowd import EngineFile
from tests.infra.running import Sandbox

CALLERS = 91  # from one who makes a single call to one who makes 5,313, each a tenth more
FREE, PRO = 100, 10_000  # the limits of the sandbox's tiers
END_USERS = 100_000
AT_ONCE = 8


def name(number: int) -> str:
    return f"user_{number:06d}"


def used_by(number: int) -> int:
    return round(1.1 ** (number % CALLERS))


def plan(number: int) -> str:
    return "free" if used_by(number) < FREE else "pro"


@dataclass(frozen=True)
class Crowded:
    """A product whose seeded platform has `count` end-users; `file` is its engine's, where that is the native one."""

    product: Product
    count: int
    file: EngineFile | None
    http: httpx2.AsyncClient

    async def ask(self, method: str, path: str, body: Any = None, **about: str) -> Any:
        """As the developer's server; `about` whom are headers."""
        headers = {"Authorization": f"Bearer {self.product.api_key}"} | {
            name.replace("_", "-"): value for name, value in about.items()
        }
        url = self.product.url("tenant_api", path)
        for _ in range(5):
            answer = await self.http.request(method, url, headers=headers, json=body)
            if answer.status_code != 503 or method != "GET":  # a slow engine: a client asks again
                break
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def call(self, number: int, units: int = 1) -> int:
        about = {"X_User_Id": name(number), "X_User_Plan": plan(number)}
        count: int = (await self.ask("POST", "/api/data", {"units": units}, **about))["usage"]["count"]
        return count

    async def fill(self) -> None:
        for start in range(0, CALLERS, AT_ONCE):
            some = range(start, min(start + AT_ONCE, CALLERS))
            await asyncio.gather(*(self.call(number, used_by(number)) for number in some))
        await self.ask("GET", "/api/developer/dashboard")  # stores the sums and the hints
        if self.file is not None:
            await self._copy(self.file)

    async def _copy(self, file: EngineFile) -> None:
        platform_id, today = self.product.platform_id, datetime.now(UTC).date()
        dynamo = Dynamo(region=REGION, endpoint=self.product.url("engine"))
        [counted] = await ActivityRows(dynamo, "tenant-usage").since(platform_id, today.replace(day=1))
        others = counted.process[:-6] + "0" * 6  # a process that was started in the same second
        numbers = range(CALLERS, self.count)
        file.copy(((name(number % CALLERS), name(number)) for number in numbers), counted.process, others)
        share: Share = {}
        for number in numbers:
            share = added(share, {plan(number): (used_by(number), 1)})
        row = Activity(counted.day, others, share, over_quota=3, version=1)
        await dynamo.write(put("tenant-usage", row.to_item(platform_id)))
        await dynamo.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowded]:
    state = tmp_path_factory.mktemp("crowded") / "state"
    try:
        installed(STATE / "engine")
        engine, file, count = "native", EngineFile(state / "data.sqlite"), END_USERS
    except NoNativeEngine:
        engine, file, count = "moto", None, CALLERS
    sandbox = Sandbox(state, engine)
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
            made = Crowded(told_by(sandbox), count, file, http)
            await made.fill()
            yield made
    finally:
        sandbox.stop()


async def test_the_crowd_is_what_the_service_itself_would_have_counted(crowded: Crowded) -> None:
    """A caller of the crowd is counted on, and the figures are the sum of all counts."""
    last = crowded.count - 1
    assert await crowded.call(last) == used_by(last) + 1
    found = await crowded.ask("GET", "/api/developer/dashboard")
    users, calls = crowded.count, sum(map(used_by, range(crowded.count))) + 1
    assert (found["users"]["active"], found["calls"]["month"]) == (users, calls)
    if crowded.file is not None:
        assert crowded.file.sums(crowded.product.platform_id) == (users, calls)


async def test_every_view_serves_many_end_users(crowded: Crowded, new_page: NewPage) -> None:
    product, count = crowded.product, crowded.count
    page = await new_page()
    dashboard = await Dashboard.opened(page, product, "overview", DEVELOPER)
    await dashboard.open("customers")
    rows = page.get_by_role("region", name="Customers").locator("tbody tr")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_contain_text(f"{used_by(CALLERS - 1):,} of {PRO:,}")
    await page.get_by_role("link", name="Next page").click()
    await expect(page).to_have_url(re.compile("cursor="))
    await expect(rows).to_have_count(min(50, count - 50))
    await looks.screenshot(page, "many-customers")
    await page.get_by_label("Search").fill(name(count - 1))
    await expect(rows).to_have_count(1)
    await page.get_by_role("link", name=name(count - 1)).click()
    await expect(page.get_by_role("heading", name=name(count - 1), level=1)).to_be_visible()
    await dashboard.open("insights")
    await expect(page.locator("main")).to_contain_text(f"{count:,}")
    await looks.stands_still(page, 0.02)
    await looks.fits(page)
    await looks.screenshot(page, "many-insights")

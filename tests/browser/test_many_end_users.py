"""The dashboard of a platform with many end-users: every view is there and leads to each of them.

A sandbox of its own on the native engine, filled past the services. `END_USERS=100000 make test-browser
ARGS="-k many_end_users"` takes as many as the product promises, and two minutes.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from infra.sandbox.engine import NoNativeEngine, installed
from infra.sandbox.layout import REGION, STATE
from infra.sandbox.seed import DEVELOPER
from shared.adapters.dynamodb import Dynamo, Write, put
from shared.domain.errors import Unavailable
from shared.domain.periods import Month, timestamp
from shared.metering.usage_item import usage_key
from tenant_api.repositories.activity import Activity
from tenant_api.repositories.end_users import TOP_STEP
from tenant_api.steps import near, step_of
from tenant_api.subjects import usage_subject
from tests.browser import looks
from tests.browser.conftest import NewPage, Product, told_by
from tests.browser.developer import Dashboard
from tests.infra.running import Sandbox

LIMIT = 100  # of the tier that the sandbox publishes for a start
WRITTEN_TOGETHER = 25
AT_ONCE = 4
END_USERS = int(os.environ.get("END_USERS", "2000"))


def name(number: int) -> str:
    return f"user_{number:06d}"


def items(platform_id: str, number: int, now: datetime) -> Iterator[dict[str, Any]]:
    """What the store holds of an end-user who has called this month; one in nine is near the limit."""
    month, used, user_id = Month.of(now), 1 + (number * 7919) % 1000 // 11, name(number)
    yield {"pk": f"users:{platform_id}", "sk": user_id}
    yield {
        **usage_key(usage_subject(platform_id, user_id)),
        "plan": "free",
        "lastUpdated": timestamp(now),
        "periodStart": timestamp(month.start),
        "periodEnd": timestamp(month.end),
        "usageCount": used,
        "minute": 1,
        "minuteCalls": 1,
        "days": {f"{now.day:02d}": used},
        "writers": {},
    }
    if step_of(used):
        yield {"pk": f"rank:{platform_id}:{month}", "sk": f"{TOP_STEP - step_of(used):03d}#{user_id}"}
    if near(used, LIMIT):
        yield {"pk": f"near:{platform_id}:{month}", "sk": user_id}


async def written(dynamo: Dynamo, writes: Sequence[Write]) -> None:
    """All of them, also on a machine that is busy."""
    for _ in range(20):
        try:
            await dynamo.write_many(writes)
        except Unavailable:
            await asyncio.sleep(0.2)
        else:
            return


async def fill(endpoint: str, platform_id: str, count: int) -> None:
    now = datetime.now(UTC)
    writes = [put("tenant-usage", item) for number in range(count) for item in items(platform_id, number, now)]
    day = Activity(now.date(), "filled", {"free": (count * 46, count)}, over_quota=3, version=1)
    writes.append(put("tenant-usage", day.to_item(platform_id)))
    dynamo = Dynamo(region=REGION, endpoint=endpoint)
    starts = iter(range(0, len(writes), WRITTEN_TOGETHER))

    async def some() -> None:
        for start in starts:
            await written(dynamo, writes[start : start + WRITTEN_TOGETHER])

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    await dynamo.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Product, int]]:
    """A product whose seeded platform has that many end-users."""
    try:
        installed(STATE / "engine")
        engine, count = "native", END_USERS
    except NoNativeEngine:
        engine, count = "moto", min(END_USERS, 1000)
    sandbox = Sandbox(tmp_path_factory.mktemp("crowded") / "state", engine)
    try:
        product = told_by(sandbox)
        await fill(product.url("engine"), product.platform_id, count)
        yield product, count
    finally:
        sandbox.stop()


async def test_every_view_serves_many_end_users(crowded: tuple[Product, int], new_page: NewPage) -> None:
    product, count = crowded
    page = await new_page()
    dashboard = await Dashboard.opened(page, product, "overview", DEVELOPER)
    await dashboard.open("customers")
    rows = page.get_by_role("region", name="Customers").locator("tbody tr")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_contain_text("91 of 100")
    await page.get_by_role("link", name="Next page").click()
    await expect(page).to_have_url(re.compile("cursor="))
    await expect(rows).to_have_count(50)
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

"""A platform with many end-users: every page asks the store a bounded number of times, and never scans.

`END_USERS=100000 make test ARGS=tests/tenant_api/test_many_end_users.py` measures with as many as the product
promises and prints how long each page took.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import boto3
import pytest
import pytest_asyncio

from infra.tables import TABLES, create_missing
from shared.adapters.dynamodb import Dynamo, Write, put
from shared.domain.errors import Unavailable
from shared.domain.periods import Month
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from shared.metering.usage_item import usage_key
from tenant_api import app
from tenant_api.repositories.activity import Activity
from tenant_api.repositories.end_users import TOP_STEP
from tenant_api.steps import step_of
from tenant_api.subjects import usage_subject
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.faults import FaultyStore
from tests.serving import serving
from tests.tenant_api.service import Platform, Service, settings_for
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENGINE = os.environ.get("DYNAMODB_ENDPOINT")
AT_ONCE = 16 if ENGINE else 1  # moto does one thing at a time
END_USERS = int(os.environ.get("END_USERS", "1500" if ENGINE else "300"))
MONTH = Month(2026, 11)
TIERS = TierConfig(
    (
        Tier("free", "Free", 100, UNLIMITED, Price(0, "usd", "month")),
        Tier("pro", "Pro", UNLIMITED, UNLIMITED, Price(2900, "usd", "month")),
    ),
    1,
)
PROCESSES = 4


def used_by(index: int) -> int:
    """Many call a little, few a lot; the ids say nothing about it."""
    return 1 + 3_000_000 // (1 + (index * 7919) % END_USERS) % 50_000


def name(index: int) -> str:
    return f"user_{index:06d}"


def plan(index: int) -> str:
    return "pro" if index % 50 == 0 else "free"


def items(platform_id: str, index: int) -> Iterable[dict[str, Any]]:
    used, user_id = used_by(index), name(index)
    yield {"pk": f"users:{platform_id}", "sk": user_id}
    yield {
        **usage_key(usage_subject(platform_id, user_id)),
        "plan": plan(index),
        "lastUpdated": "2026-11-24T11:00:00Z",
        "periodStart": "2026-11-01T00:00:00Z",
        "periodEnd": "2026-12-01T00:00:00Z",
        "usageCount": used,
        "minute": 1,
        "minuteCalls": 1,
        "days": {"24": used},
        "writers": {"b4a686925a0b2c3d4e5f": f"1;{plan(index)}={used},1"},
    }
    step = step_of(used)
    if step:
        yield {"pk": f"rank:{platform_id}:{MONTH}", "sk": f"{TOP_STEP - step:03d}#{user_id}"}
    if plan(index) == "free" and used >= 80:
        yield {"pk": f"near:{platform_id}:{MONTH}", "sk": user_id}


async def fill(dynamo: Dynamo, table: str, platform_id: str) -> None:
    writes = [put(table, item) for index in range(END_USERS) for item in items(platform_id, index)]
    for ago in range(30):
        day = date(2026, 11, 24) - timedelta(days=ago)
        for process in range(PROCESSES):
            share = {"free": (1000, END_USERS // 200), "pro": (50, 0)}
            row = Activity(day, f"692{process}", share, over_quota=3, version=1)
            writes.append(put(table, row.to_item(platform_id)))
    chunks: Sequence[list[Write]] = [writes[start::AT_ONCE] for start in range(AT_ONCE)]
    await asyncio.gather(*(written(dynamo, chunk) for chunk in chunks))


async def written(dynamo: Dynamo, writes: Sequence[Write]) -> None:
    """All of them, also on a machine that is busy."""
    for start in range(0, len(writes), 25):
        for _ in range(20):
            try:
                await dynamo.write_many(writes[start : start + 25])
                break
            except Unavailable:
                await asyncio.sleep(0.5)


class Large:
    """The platform, and the store it is asked through."""

    def __init__(self, platform: Platform, store: FaultyStore) -> None:
        self.platform = platform
        self.store = store

    async def ask(self, path: str, most_requests: int, **query: Any) -> Any:
        """The JSON; the store was asked at most so often, and not for a Scan."""
        headers = {"Authorization": f"Bearer {self.platform.key}"}
        for _ in range(10):
            self.store.requests.clear()
            began = time.perf_counter()
            answer = await self.platform.service.http.get(f"/api/developer/{path}", params=query, headers=headers)
            if answer.status_code != 503:  # a slow engine: a client sends the same request again
                break
        took = time.perf_counter() - began
        assert answer.status_code == 200, answer.text
        asked = sum(self.store.requests.values())
        print(f"{path} {query}: {took * 1000:.1f} ms, {asked} requests, {len(answer.content)} bytes")
        assert set(self.store.requests) <= {"GetItem", "Query", "BatchGetItem"}
        assert asked <= most_requests
        return answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def large(endpoint: str) -> AsyncIterator[Large]:
    prefix, clock, store, issuer = "large-", SetClock(), FaultyStore(endpoint), Issuer()
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    create_missing(client, prefix)
    dynamo = Dynamo(region=REGION, endpoint=endpoint)
    async with serving(issuer.app) as clerk, serving(store.app) as url:
        served = app.build(settings_for(issuer.clerk_app(clerk), url, prefix), clock)
        async with serving(served) as address, Service.at(address, issuer, clock, dynamo, prefix) as service:
            platform = await service.platform(TIERS)
            await fill(dynamo, prefix + "tenant-usage", platform.platform_id)
            yield Large(platform, store)
    await dynamo.close()
    for known in TABLES:
        client.delete_table(TableName=prefix + known.name)
    client.close()


def ids(page: Any) -> list[str]:
    return [one["userId"] for one in page["customers"]]


async def test_the_dashboard_adds_up_and_shows_who_calls_most(large: Large) -> None:
    found = await large.ask("dashboard", 20)
    found = await large.ask("dashboard", 20)
    assert found["calls"]["month"] == 24 * PROCESSES * 1050
    assert found["calls"]["refused"]["overQuota"] == 24 * PROCESSES * 3
    most = sorted(range(END_USERS), key=lambda index: (-used_by(index), name(index)))[:10]
    assert [one["userId"] for one in found["topUsers"]] == [name(index) for index in most]
    assert len(found["nearLimit"]) == 10
    assert all(one["used"] >= 80 for one in found["nearLimit"])


async def test_the_first_pages_by_use_are_in_exact_order(large: Large) -> None:
    order = sorted(range(END_USERS), key=lambda index: (-used_by(index), name(index)))
    shown: list[str] = []
    cursor = ""
    for _ in range(4):
        page = await large.ask("customers", 12, cursor=cursor)
        shown += ids(page)
        cursor = page["next"]
    assert shown == [name(index) for index in order[:200]]


async def test_pages_by_name_search_and_filter_are_bounded(large: Large) -> None:
    by_name = await large.ask("customers", 12, sort="name")
    assert ids(by_name) == [name(index) for index in range(50)]
    following = await large.ask("customers", 12, sort="name", cursor=by_name["next"])
    assert ids(following) == [name(index) for index in range(50, 100)]
    searched = sorted(range(120, 130), key=lambda index: (-used_by(index), name(index)))
    assert ids(await large.ask("customers", 12, q="user_00012")) == [name(index) for index in searched]
    assert ids(await large.ask("customers", 12, q="nobody")) == []
    filtered = await large.ask("customers", 40, tier="pro", sort="name")
    assert all(one["plan"] == "pro" for one in filtered["customers"])
    assert (await large.ask("customer", 8, userId=name(7)))["used"] == used_by(7)


@pytest.mark.parametrize("sort", ["usage", "name"])
async def test_all_pages_together_show_everybody_once(large: Large, sort: str) -> None:
    shown: list[str] = []
    cursor = ""
    while len(shown) < 10_000:
        page = await large.ask("customers", 40, sort=sort, cursor=cursor, limit=100)
        shown += ids(page)
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(set(shown)) == len(shown) >= min(END_USERS, 10_000)


async def test_stale_hints_show_nobody_twice_and_are_removed(large: Large) -> None:
    platform_id, table = large.platform.platform_id, "large-tenant-usage"
    dynamo = large.platform.service.dynamo
    top = max(range(END_USERS), key=used_by)
    stale = {"pk": f"rank:{platform_id}:{MONTH}", "sk": f"{TOP_STEP - step_of(used_by(top)) + 1:03d}#{name(top)}"}
    await dynamo.write(put(table, stale))
    headers = {"Authorization": f"Bearer {large.platform.key}"}
    answer = await large.platform.service.http.get("/api/developer/customers?limit=100", headers=headers)
    assert ids(answer.json()).count(name(top)) == 1
    assert await dynamo.get(table, stale) is None

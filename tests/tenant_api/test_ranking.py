"""The order of use of many end-users: each of them once, the most active first, whatever the hints say."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.adapters.dynamodb import Dynamo, put
from shared.domain.periods import Month
from shared.domain.tiers import Price, Tier, TierConfig
from shared.metering.usage_item import usage_key
from shared.records import tenant_config
from tenant_api.end_user_lists import EndUserLists, Page, Wanted
from tenant_api.end_users import EndUsers
from tenant_api.ranking import Ranking
from tenant_api.recent import Recent
from tenant_api.repositories.end_users import EndUserRows
from tenant_api.repositories.platforms import Platforms
from tenant_api.repositories.subscribers import Subscribers
from tenant_api.steps import step_of
from tenant_api.subjects import usage_subject
from tests.clocks import SetClock
from tests.conftest import REGION

pytestmark = pytest.mark.store

MONTH = Month(2026, 11)
TIERS = TierConfig((Tier("free", "Free", 100, price=Price(0, "usd", "month")), Tier("pro", "Pro", -1)), 1)
RIGHT, LOST, LATE, LEFT_BEHIND = range(4)  # what may become of a hint
Person = tuple[int, int]  # used, what became of the hint


@dataclass
class Store:
    """A store with platforms whose end-users have used this and that."""

    dynamo: Dynamo
    prefix: str

    async def platform(self, people: Sequence[Person]) -> str:
        platform_id = "plt_" + token_hex(16)
        items = [item for number, person in enumerate(people) for item in _items(platform_id, number, *person)]
        await self.dynamo.write_many([put(self.prefix + "tenant-usage", item) for item in items])
        published = tenant_config.tier_config_key(platform_id) | tenant_config.tier_config_to_item(TIERS)
        await self.dynamo.write(put(self.prefix + "tenant-tokens", published))
        return platform_id

    def lists(self, most: int = 1000, looked_at: int = 3000) -> EndUserLists:
        """As a process that has just been started has them."""
        clock, tokens = SetClock(), self.prefix + "tenant-tokens"
        rows, subscribers = EndUserRows(self.dynamo, self.prefix + "tenant-usage"), Subscribers(self.dynamo, tokens)
        end_users = EndUsers(rows, subscribers, Recent(Platforms(self.dynamo, tokens).published, 60), clock)
        return EndUserLists(rows, subscribers, end_users, Ranking(rows, clock, most), looked_at)

    async def walked(self, platform_id: str, wanted: Wanted, most: int = 1000) -> list[Page]:
        lists, pages, cursor = self.lists(most), list[Page](), None
        while not pages or cursor is not None:
            pages.append(await lists.page(platform_id, wanted, cursor))
            cursor = pages[-1].next
        return pages


def _items(platform_id: str, number: int, used: int, hint: int) -> Iterator[dict[str, Any]]:
    user_id, step = name(number), step_of(used)
    yield {"pk": f"users:{platform_id}", "sk": user_id}
    month = {"periodStart": "2026-11-01T00:00:00Z", "lastUpdated": "2026-11-24T11:00:00Z"}
    key = usage_key(usage_subject(platform_id, user_id))
    yield key | month | {"plan": "pro" if number % 40 == 39 else "free", "usageCount": used}
    hinted = {RIGHT: {step}, LOST: set(), LATE: {step - 1}, LEFT_BEHIND: {step, step - 1}}[hint]
    for one in hinted - {0, -1}:
        yield {"pk": f"rank:{platform_id}:{MONTH}", "sk": f"{999 - one:03d}#{user_id}"}


def name(number: int) -> str:
    return f"user_{number * 7919 % 1000:03d}"


def shown(pages: Sequence[Page]) -> list[tuple[int, str]]:
    return [(view.used, view.user_id) for page in pages for view in page.views]


def in_order(people: Sequence[Person]) -> list[tuple[int, str]]:
    return sorted(((used, name(number)) for number, (used, _) in enumerate(people)), key=lambda one: (-one[0], one[1]))


@pytest.fixture
def runner_and_store(endpoint: str, prefix: str) -> Iterator[Any]:
    with asyncio.Runner() as runner:
        dynamo = Dynamo(region=REGION, endpoint=endpoint)
        yield runner, Store(dynamo, prefix)
        runner.run(dynamo.close())


# A crowd on one step, one without a step, and some far above.
CROWDED = [(50 + number % 50, RIGHT) for number in range(130)] + [(number % 20, RIGHT) for number in range(60)]
people = st.lists(
    st.tuples(st.one_of(st.integers(0, 19), st.integers(50, 99), st.integers(0, 3000)), st.integers(0, 3)), max_size=120
)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@example([*CROWDED, *((used, RIGHT) for used in range(90, 900, 90))])
@example([(60, LATE)] * 101 + [(60, LOST)] * 20)
@given(people)
def test_all_pages_show_everybody_once_in_order_of_use(runner_and_store: Any, people: list[Person]) -> None:
    """Where hints were lost the first look mends them, and the next is in order."""
    runner, store = runner_and_store

    async def holds() -> None:
        platform_id = await store.platform(people)
        first = shown(await store.walked(platform_id, Wanted(limit=70)))
        assert sorted(first) == sorted(in_order(people))
        if all(hint == RIGHT for _, hint in people):
            assert first == in_order(people)
        await store.walked(platform_id, Wanted(limit=100))
        assert shown(await store.walked(platform_id, Wanted(limit=60))) == in_order(people)

    runner.run(holds())


def test_more_on_a_step_than_are_gathered_are_each_shown_once(runner_and_store: Any) -> None:
    runner, store = runner_and_store

    async def holds() -> None:
        platform_id = await store.platform(CROWDED)
        pages = await store.walked(platform_id, Wanted(limit=50), most=60)
        assert sorted(shown(pages)) == sorted(in_order(CROWDED))

    runner.run(holds())


@pytest.mark.parametrize("by_use", [True, False])
def test_pages_of_a_tier_are_full_until_the_last(runner_and_store: Any, by_use: bool) -> None:
    """One in forty is on it."""
    runner, store = runner_and_store

    async def holds() -> None:
        platform_id = await store.platform(CROWDED)
        pages = await store.walked(platform_id, Wanted(by_use=by_use, tier="pro", limit=3))
        assert [len(page.views) for page in pages] == [3, 1]
        assert not any(page.cut_short for page in pages)
        assert {user_id for _, user_id in shown(pages)} == {name(number) for number in range(39, len(CROWDED), 40)}

    runner.run(holds())


def test_a_page_that_looked_at_enough_says_so_and_leads_on(runner_and_store: Any) -> None:
    runner, store = runner_and_store

    async def holds() -> None:
        platform_id = await store.platform(CROWDED[:130])
        lists, wanted = store.lists(looked_at=60), Wanted(tier="pro", limit=4)
        first = await lists.page(platform_id, wanted, None)
        assert first.cut_short
        assert len(first.views) < 4
        seen, page = shown([first]), first
        while page.next is not None:
            page = await lists.page(platform_id, wanted, page.next)
            seen += shown([page])
        assert sorted(user_id for _, user_id in seen) == sorted(name(number) for number in (39, 79, 119))

    runner.run(holds())


def test_the_most_active_are_found_among_many_on_a_step_whose_members_have_gone(runner_and_store: Any) -> None:
    """Hints without a count, as an erasure could leave them, are passed over."""
    runner, store = runner_and_store

    async def holds() -> None:
        platform_id = await store.platform(CROWDED)
        table = store.prefix + "tenant-usage"
        gone = [put(table, {"pk": f"rank:{platform_id}:{MONTH}", "sk": f"900#gone_{at:03d}"}) for at in range(600)]
        await store.dynamo.write_many(gone)
        top = await store.lists().top(platform_id)
        assert [one.used for one in top] == sorted((one.used for one in top), reverse=True)
        assert len(top) == 10

    runner.run(holds())

"""Which tier counts, in which order, and that a call of somebody who never paid costs next to no look-ups."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from shared.billing.records import BillingRecord
from shared.domain.errors import NoTier, UnknownTier
from shared.domain.principal import EndUser
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records.tenant_config import Catalog, Published, StripePrice, tier_config_to_item
from tenant_api.entitlements import Entitlements
from tenant_api.recent import Recent
from tests.clocks import SetClock

FREE = Tier("starter", "Starter", 5, UNLIMITED, Price(0, "usd", "month"))
PRO = Tier("pro", "Pro", 500, UNLIMITED, Price(2900, "usd", "month"))
OLD = Tier("old", "Old", 50, UNLIMITED, Price(900, "usd", "month"))
CATALOG = Catalog("acct_1", {"pro": StripePrice("price_1", "prod_1")}, {"price_0": "old"}, (OLD,))
SELLING = Published(TierConfig((FREE, PRO), 1), CATALOG)
BY_TOKEN = EndUser("plt_" + "0" * 32, "user_1", None, by_key=False)
BY_KEY = structs.replace(BY_TOKEN, by_key=True)
PAID = BillingRecord("subject", "acct_1", "cus_1", plan="pro", subscription_id="sub_1", status="active")


class Bench:
    """One end-user's record and platform, and how often they were looked up."""

    def __init__(self, record: BillingRecord | None = None, published: Published = SELLING) -> None:
        self.record = record
        self.published = published
        self.looks = 0
        self.clock = SetClock()
        self.seconds = 0.0
        records = Recent(self._find, 1.0, lambda: self.seconds)
        self.entitlements = Entitlements(Recent(self._published, 0), records, self.clock)

    async def _find(self, _subject: str) -> BillingRecord | None:
        self.looks += 1
        return self.record

    async def _published(self, _platform_id: str) -> Published:
        return self.published

    async def plan(self, end_user: EndUser) -> str:
        return (await self.entitlements.quota(end_user)).plan


async def test_the_order_is_header_then_record_then_claim_then_free() -> None:
    bench = Bench(PAID)
    assert await bench.plan(structs.replace(BY_KEY, plan="starter")) == "starter"
    assert await bench.plan(BY_KEY) == "pro"
    assert await bench.plan(structs.replace(BY_TOKEN, plan="starter")) == "pro"
    bench = Bench(None)
    assert await bench.plan(structs.replace(BY_TOKEN, plan="pro")) == "pro"
    assert await bench.plan(BY_TOKEN) == "starter"
    assert await bench.plan(structs.replace(BY_TOKEN, plan="free")) == "starter"
    for caller in (structs.replace(BY_TOKEN, plan="gold"), structs.replace(BY_KEY, plan="free")):
        with pytest.raises(UnknownTier):
            await bench.plan(caller)


async def test_a_subscription_that_ended_beats_a_claim_that_has_not_heard() -> None:
    bench = Bench(replace(PAID, plan=None, status="canceled"))
    assert await bench.plan(structs.replace(BY_TOKEN, plan="pro")) == "starter"
    never_paid = Bench(BillingRecord("subject", "acct_1", "cus_1"))
    assert await never_paid.plan(structs.replace(BY_TOKEN, plan="pro")) == "pro"


async def test_the_grace_ends_by_the_clock() -> None:
    bench = Bench(replace(PAID, status="past_due", paid_until=int(SetClock()().timestamp()) + 60))
    assert await bench.plan(BY_TOKEN) == "pro"
    bench.clock.advance(seconds=60)
    assert await bench.plan(BY_TOKEN) == "starter"


async def test_a_withdrawn_tier_is_kept_by_who_pays_and_had_by_nobody_else() -> None:
    assert (await Bench(replace(PAID, plan="old")).entitlements.quota(BY_TOKEN)).limit == 50
    assert await Bench(replace(PAID, plan="never")).plan(BY_TOKEN) == "starter"
    with pytest.raises(UnknownTier):
        await Bench().plan(structs.replace(BY_KEY, plan="old"))


async def test_calls_of_who_never_paid_share_a_look_up_a_second() -> None:
    bench = Bench()
    for _ in range(100):
        await bench.plan(BY_TOKEN)
    assert bench.looks == 1
    bench.seconds = 1.0
    await bench.plan(BY_TOKEN)
    assert bench.looks == 2


async def test_where_nothing_is_sold_or_the_server_says_the_tier_nothing_is_looked_up() -> None:
    bench = Bench(published=Published(SELLING.config))
    await bench.plan(BY_TOKEN)
    assert await bench.entitlements.renewed(BY_TOKEN) is None
    server = Bench(PAID)
    assert await server.plan(structs.replace(BY_KEY, plan="starter")) == "starter"
    assert await server.entitlements.renewed(structs.replace(BY_KEY, plan="starter")) is None
    assert bench.looks == server.looks == 0


async def test_a_payment_counts_at_once_for_who_asks_again() -> None:
    bench = Bench()
    assert await bench.plan(BY_TOKEN) == "starter"
    bench.record = PAID
    assert await bench.plan(BY_TOKEN) == "starter"
    renewed = await bench.entitlements.renewed(BY_TOKEN)
    assert renewed is not None
    assert renewed.plan == await bench.plan(BY_TOKEN) == "pro"


async def test_a_payment_counts_at_once_where_there_is_no_free_tier() -> None:
    bench = Bench(published=Published(TierConfig((PRO,), 1), CATALOG))
    with pytest.raises(NoTier):
        await bench.plan(BY_TOKEN)
    bench.record = PAID
    assert await bench.plan(BY_TOKEN) == "pro"


async def test_a_fresh_look_begins_after_the_question_and_is_shared_by_those_who_wait() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    begun: list[int] = []

    async def look_up(_key: str) -> int:
        begun.append(len(begun))
        number = len(begun) - 1
        await gates[number].wait()
        return number

    recent = Recent(look_up, 60)
    old = asyncio.create_task(recent.get("a"))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(recent.fresh("a")) for _ in range(5)]
    await asyncio.sleep(0)
    assert begun == [0]
    gates[0].set()
    gates[1].set()
    assert await asyncio.gather(old, *waiting) == [0, 1, 1, 1, 1, 1]
    assert await recent.get("a") == 1
    assert begun == [0, 1]


def test_what_the_bridge_publishes_is_what_is_read() -> None:
    assert Published.from_item(tier_config_to_item(SELLING.config, CATALOG)) == SELLING
    assert Published.from_item(tier_config_to_item(SELLING.config)) == Published(SELLING.config)

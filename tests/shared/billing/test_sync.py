"""Repairing one subject from Stripe: a crash between any two steps, a race of two processes, a Clerk that is down."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.adapters.dynamodb import Dynamo
from shared.adapters.stripe_gateway import StripeAccount, StripeGateway
from shared.billing.records import OWN_ACCOUNT, BillingRecord, BillingRecords
from shared.billing.sync import BillingSync
from shared.domain.errors import Unavailable
from shared.settings import StripeKeys
from tests.clocks import SetClock
from tests.infra.stripe.sandbox import FAILS_LATER, KEY, OWN_SECRET, Sandbox, running

pytestmark = pytest.mark.store

SUBJECT = "user_1"


class Killed(BaseException):
    """The process ends here, without a word."""


@dataclass
class Bench:
    """One subject with a customer at Stripe, and processes that repair it; each may end at a step."""

    stripe: Sandbox
    account: StripeAccount
    records: BillingRecords
    price_id: str
    told: list[str | None] = field(default_factory=list)

    def process(
        self,
        at_plan: BaseException | None = None,
        at_tell: BaseException | None = None,
        clock: SetClock | None = None,
    ) -> BillingSync:
        async def plan_of(_record: BillingRecord, price_id: str) -> str | None:
            if at_plan is not None:
                raise at_plan
            return "paid" if price_id == self.price_id else None

        async def tell(record: BillingRecord) -> None:
            self.told.append(record.plan)
            if at_tell is not None:
                raise at_tell

        return BillingSync(self.records, plan_of, tell, clock or SetClock())

    async def subscribe(self) -> str:
        record = await self.records.find(SUBJECT)
        assert record is not None
        bought = await self.stripe.subscribed(self.price_id, customer=record.customer_id)
        return str(bought.id)

    async def plan(self) -> str | None:
        record = await self.records.find(SUBJECT)
        assert record is not None
        return record.plan_at(SetClock()())


@pytest.fixture
async def bench(dynamo: Dynamo, prefix: str) -> AsyncIterator[Bench]:
    async with running() as stripe:
        keys = {"secret_key": KEY, "webhook_secret": OWN_SECRET, "api_url": stripe.url, "connect_url": stripe.url}
        gateway = StripeGateway(StripeKeys.model_validate(keys))
        account = gateway.own()
        customer = await account.create_customer(email=None, metadata={"userId": SUBJECT}, key="customer:1")
        assert customer == await account.create_customer(email=None, metadata={"userId": SUBJECT}, key="customer:1")
        records = BillingRecords(dynamo, prefix + "platform-tokens")
        await records.create(BillingRecord(SUBJECT, OWN_ACCOUNT, customer))
        yield Bench(stripe, account, records, (await stripe.price()).id)
        await gateway.close()


@pytest.mark.parametrize("ended", [Killed(), Unavailable("Clerk is down.")])
@pytest.mark.parametrize("step", ["at_plan", "at_tell"])
async def test_an_end_after_the_read_or_after_the_record_is_repaired_by_the_next_run(
    bench: Bench, step: str, ended: BaseException
) -> None:
    await bench.subscribe()
    ending = bench.process(at_plan=ended) if step == "at_plan" else bench.process(at_tell=ended)
    with pytest.raises(type(ended)):
        await ending.run(SUBJECT, bench.account)
    drift = await bench.process().run(SUBJECT, bench.account)
    assert drift is not None
    assert drift.found
    assert await bench.plan() == "paid"
    assert bench.told[-1] == "paid"
    again = await bench.process().run(SUBJECT, bench.account)
    assert again is not None
    assert not again.found


async def test_an_older_look_at_stripe_never_overwrites_a_newer_one(bench: Bench) -> None:
    subscription = await bench.subscribe()
    looked, cancelled = asyncio.Event(), asyncio.Event()
    first_look = True

    async def slow_plan_of(_record: BillingRecord, _price_id: str) -> str | None:
        nonlocal first_look
        if first_look:
            first_look = False
            looked.set()
            await cancelled.wait()
        return "paid"

    async def tell(record: BillingRecord) -> None:
        bench.told.append(record.plan)

    slow = asyncio.create_task(BillingSync(bench.records, slow_plan_of, tell, SetClock()).run(SUBJECT, bench.account))
    await looked.wait()
    await bench.account.cancel(subscription)
    await bench.process().run(SUBJECT, bench.account)
    cancelled.set()
    await slow
    assert await bench.plan() is None
    assert bench.told[-1] is None


async def test_a_look_that_changed_nothing_outdates_an_older_one_too(bench: Bench) -> None:
    """Late, then paid again: who saw it late must not win over who saw it paid, which the record said already."""
    await bench.subscribe()
    await bench.process().run(SUBJECT, bench.account)
    looked, paid_again = asyncio.Event(), asyncio.Event()
    first_look = True

    async def slow_plan_of(_record: BillingRecord, _price_id: str) -> str | None:
        nonlocal first_look
        if not first_look:
            return "paid"
        first_look = False
        looked.set()
        await paid_again.wait()
        return None

    async def tell(record: BillingRecord) -> None:
        bench.told.append(record.plan)

    slow = asyncio.create_task(BillingSync(bench.records, slow_plan_of, tell, SetClock()).run(SUBJECT, bench.account))
    await looked.wait()
    await bench.process().run(SUBJECT, bench.account)
    paid_again.set()
    await slow
    assert await bench.plan() == "paid"
    assert bench.told == ["paid"]


async def test_who_tells_clerk_late_tells_it_again_what_is_true(bench: Bench) -> None:
    subscription = await bench.subscribe()
    telling, overtaken = asyncio.Event(), asyncio.Event()
    clerk: list[str | None] = []

    async def plan_of(_record: BillingRecord, _price_id: str) -> str | None:
        return "paid"

    async def late_tell(record: BillingRecord) -> None:
        if not telling.is_set():
            telling.set()
            await overtaken.wait()
        clerk.append(record.plan)

    async def tell(record: BillingRecord) -> None:
        clerk.append(record.plan)

    late = BillingSync(bench.records, plan_of, late_tell, SetClock()).run(SUBJECT, bench.account)
    slow = asyncio.create_task(late)
    await telling.wait()
    await bench.account.cancel(subscription)
    await BillingSync(bench.records, plan_of, tell, SetClock()).run(SUBJECT, bench.account)
    overtaken.set()
    drift = await slow
    assert drift is not None
    assert drift.found
    assert clerk == [None, "paid", None]


async def test_a_grace_that_is_over_gives_no_plan_and_is_told(bench: Bench) -> None:
    await bench.stripe.control("dunning", retry_days=[20], final="unpaid")
    record = await bench.records.find(SUBJECT)
    assert record is not None
    await bench.stripe.subscribed(bench.price_id, card=FAILS_LATER, customer=record.customer_id)
    await bench.stripe.advance(31.2)
    clock = SetClock(datetime.fromtimestamp((await bench.stripe.look("clock"))["now"], UTC))
    for days, plan in ((0, "paid"), (8, None)):
        clock.advance(days=days)
        await bench.process(clock=clock).run(SUBJECT, bench.account)
        found = await bench.records.find(SUBJECT)
        assert found is not None
        assert (found.status, found.plan, bench.told[-1]) == ("past_due", plan, plan)


async def test_many_at_once_agree(bench: Bench) -> None:
    await bench.subscribe()
    await asyncio.gather(*(bench.process().run(SUBJECT, bench.account) for _ in range(12)))
    record = await bench.records.find(SUBJECT)
    assert record is not None
    assert (record.plan, record.version, record.told) == ("paid", 2, 2)


async def test_a_dry_run_changes_nothing(bench: Bench) -> None:
    await bench.subscribe()
    before = await bench.records.find(SUBJECT)
    drift = await bench.process().run(SUBJECT, bench.account, dry=True)
    assert drift is not None
    assert drift.after.plan == "paid"
    assert await bench.records.find(SUBJECT) == before
    assert bench.told == []


async def test_nobody_is_nothing(bench: Bench) -> None:
    assert await bench.process().run("user_nobody", bench.account) is None

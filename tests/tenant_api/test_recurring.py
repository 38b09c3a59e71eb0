"""Subscribers and recurring revenue of a platform are summed up, and of one with many the sums are remembered."""

import dataclasses

import pytest

from shared.adapters.dynamodb import Dynamo
from shared.billing.records import BillingRecord
from tenant_api.recurring import RecurringSums
from tenant_api.repositories.subscribers import Subscribers
from tests.clocks import SetClock

pytestmark = [pytest.mark.store, pytest.mark.asyncio(loop_scope="session")]

PLATFORM = "plt_" + "7" * 32
PRO = BillingRecord("", "acct_1", "cus_1", subscription_id="sub_1", status="active", plan="pro", amount=2900)
PRO = dataclasses.replace(PRO, currency="usd", interval="month")
PEOPLE = [
    PRO,
    dataclasses.replace(PRO, amount=1000, currency="eur", interval="year"),
    dataclasses.replace(PRO, plan="max", status="trialing", amount=9900),
    dataclasses.replace(PRO, status="past_due", paid_until=1),
]


@pytest.mark.parametrize("few", [100, 2])
async def test_sums_are_the_same_for_few_and_for_many(dynamo: Dynamo, prefix: str, few: int) -> None:
    """What is on trial, or no longer paid for, brings nothing; a year's price counts a twelfth."""
    subscribers = Subscribers(dynamo, prefix + "tenant-tokens")
    sums = RecurringSums(subscribers, SetClock(), few)

    async def subscribe(number: int, record: BillingRecord) -> None:
        for write in subscribers.beside(dataclasses.replace(record, subject=f"{PLATFORM}:user_{number}")):
            await dynamo.write(write)

    for number, record in enumerate(PEOPLE):
        await subscribe(number, record)
    found = await sums.of_platform(PLATFORM)
    assert dict(found.subscribers) == {"pro": 2, "max": 1}
    assert (found.of_tier("pro"), found.of_tier("max")) == ({"usd": 2900, "eur": 83}, {})
    assert found.of_all() == {"usd": 2900, "eur": 83}
    await subscribe(9, PRO)
    assert (await sums.of_platform(PLATFORM)).subscribers["pro"] == (3 if few == 100 else 2)

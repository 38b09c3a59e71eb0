"""A customer whom only an event names becomes somebody's, unless they were erased as that customer, also just now."""

from typing import Any

import pytest

from shared.adapters.dynamodb import Dynamo, Item, Key, put
from shared.billing.records import BillingRecord, BillingRecords
from tests.conftest import REGION

pytestmark = pytest.mark.store

ERASED = {"pk": "accounting:own:cus_1", "sk": "billing"}
RECORD = BillingRecord("user_1", "own", "cus_1")


class ErasedMeanwhile(Dynamo):
    """A store in which an erasure ends just after it was first looked whether there was one."""

    looked = False

    async def get(self, table: str, key: Key, **how: Any) -> Item | None:
        found = await super().get(table, key, **how)
        if not self.looked:
            self.looked = True
            await self.write(put(table, ERASED))
        return found


async def test_an_erasure_that_ends_between_look_and_write_is_not_undone(endpoint: str, prefix: str) -> None:
    table = prefix + "platform-tokens"
    dynamo = ErasedMeanwhile(region=REGION, endpoint=endpoint)
    assert await BillingRecords(dynamo, table).adopt(RECORD) is None
    found = [await dynamo.query(table, pk) for pk in ("user:user_1", "customer:own:cus_1")]
    await dynamo.close()
    assert found == [[], []]


async def test_an_unknown_customer_is_adopted_once_and_an_erased_one_never(dynamo: Dynamo, prefix: str) -> None:
    table = prefix + "platform-tokens"
    records = BillingRecords(dynamo, table)
    assert await records.adopt(RECORD) == RECORD
    assert await records.adopt(BillingRecord("user_1", "own", "cus_2")) == RECORD
    await dynamo.write(put(table, ERASED))
    assert await records.adopt(BillingRecord("user_2", "own", "cus_1")) is None
    assert await records.find("user_2") is None

"""Whose account is whose: one platform's at a time, whoever asks at once."""

import asyncio
from dataclasses import replace

import pytest

from shared.adapters.dynamodb import Dynamo
from shared.billing.connections import ConnectedAccounts
from shared.records.tenant_config import StripeConnection

pytestmark = pytest.mark.store

MINE = StripeConnection("acct_1", livemode=False, connected_at=100)
OTHER = StripeConnection("acct_2", livemode=False, connected_at=100)


@pytest.fixture
def accounts(dynamo: Dynamo, prefix: str) -> ConnectedAccounts:
    return ConnectedAccounts(dynamo, prefix + "tenant-tokens")


async def test_of_many_platforms_that_connect_one_account_at_once_one_gets_it(accounts: ConnectedAccounts) -> None:
    names = [f"plt_{number}" for number in range(6)]
    taken = await asyncio.gather(*(accounts.connect(name, MINE) for name in names))
    assert sum(taken) == 1
    owner = names[taken.index(True)]
    assert await accounts.of_account("acct_1") == (owner, MINE)
    assert [name for name in names if await accounts.of_platform(name) is not None] == [owner]


async def test_a_connected_platform_takes_no_other_account(accounts: ConnectedAccounts) -> None:
    assert await accounts.connect("plt_a", MINE)
    assert not await accounts.connect("plt_a", OTHER)
    assert await accounts.of_platform("plt_a") == MINE
    assert await accounts.of_account("acct_2") is None


async def test_what_was_disconnected_is_free_for_both(accounts: ConnectedAccounts) -> None:
    assert await accounts.connect("plt_a", MINE)
    assert await accounts.disconnect("plt_a", MINE)
    assert await accounts.connect("plt_b", MINE)
    assert not await accounts.connect("plt_a", MINE)
    assert await accounts.connect("plt_a", OTHER)
    assert await accounts.of_account("acct_1") == ("plt_b", MINE)
    assert await accounts.of_account("acct_2") == ("plt_a", OTHER)


async def test_a_late_disconnect_does_not_end_a_newer_connection(accounts: ConnectedAccounts) -> None:
    again = replace(MINE, connected_at=200)
    assert await accounts.connect("plt_a", MINE)
    assert await accounts.disconnect("plt_a", MINE)
    assert await accounts.connect("plt_a", again)
    assert not await accounts.disconnect("plt_a", MINE)
    assert await accounts.of_platform("plt_a") == again

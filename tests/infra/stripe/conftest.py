"""A running stand-in for each test, its state in memory, at a date of no surprises."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.infra.stripe.sandbox import Sandbox, running

# The pinned client hands its bodies to httpx in a way that httpx wants otherwise; nothing of ours can change that.
CLIENT_WARNING = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

# Months are counted from here: after a 31st some are shorter, and a year with a leap day ends before its last renewal.
START = datetime(2033, 3, 10, 12, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(CLIENT_WARNING)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running() as served:
        await served.control("advance", to=int(START.timestamp()))
        yield served

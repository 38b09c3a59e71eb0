"""A running stand-in for each test, its state in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.infra.stripe.sandbox import Sandbox, running

# The pinned client hands its bodies to httpx in a way that httpx wants otherwise; nothing of ours can change that.
CLIENT_WARNING = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(CLIENT_WARNING)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running() as served:
        yield served

"""The stored cursor."""

from datetime import UTC, datetime, timedelta

import pytest

from oauth_bridge.repositories.cursor import CursorStore
from shared.adapters.dynamodb import Dynamo

pytestmark = pytest.mark.store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def cursor(dynamo: Dynamo, prefix: str) -> CursorStore:
    return CursorStore(dynamo, prefix + "tenant-tokens")


async def test_it_never_moves_back(cursor: CursorStore) -> None:
    await cursor.save(NOON)
    await cursor.save(NOON - timedelta(microseconds=1))
    assert await cursor.load() == NOON


async def test_there_is_none_at_first(cursor: CursorStore) -> None:
    assert await cursor.load() is None


async def test_it_moves_forward(cursor: CursorStore) -> None:
    await cursor.save(NOON)
    await cursor.save(NOON + timedelta(microseconds=1))
    assert await cursor.load() == NOON + timedelta(microseconds=1)

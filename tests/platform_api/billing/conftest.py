"""One world a test: its own tables, users and Stripe."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.platform_api.billing.world import World, world


@pytest.fixture(name="world")
async def opened_world(endpoint: str, prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(endpoint, prefix, tmp_path) as made:
        yield made

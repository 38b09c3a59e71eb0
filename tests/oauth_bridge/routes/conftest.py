"""The bridge among its neighbours, for the tests of its routes."""

from collections.abc import AsyncIterator

import pytest

from tests.oauth_bridge.world import World, world
from tests.tokens import Issuer


@pytest.fixture
async def town(issuer: Issuer, endpoint: str, prefix: str) -> AsyncIterator[World]:
    async with world(issuer, endpoint, prefix) as opened:
        yield opened

"""One world for the folder, because opening one takes a second; each test has platforms and end-users of its own.

What looks at everybody's billing asks for `fresh_world`.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex

import boto3
import pytest
import pytest_asyncio

from infra.tables import create_missing
from tests.conftest import REGION
from tests.tenant_api.billing.world import World, world


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_world(endpoint: str, prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(endpoint, prefix, tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def folders_world(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    prefix = f"t{token_hex(6)}-"
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    create_missing(client, prefix)
    client.close()
    async with world(endpoint, prefix, tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest_asyncio.fixture(name="world", loop_scope="session")
async def calm_world(folders_world: World) -> AsyncIterator[World]:
    """Under clear skies, whatever the test before has ordered."""
    yield folders_world
    folders_world.clerk_faults.clear()
    await folders_world.stripe.control("faults", next=[])
    await folders_world.stripe.control("weather")
    await folders_world.stripe.control("discard")

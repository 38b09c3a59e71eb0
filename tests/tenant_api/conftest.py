"""tenant_api on real sockets: its own Clerk app, tables and clock. One app serves the folder, in one event loop."""

import io
import logging
from collections.abc import AsyncIterator, Iterator
from secrets import token_hex

import boto3
import pytest
import pytest_asyncio

from infra.tables import create_missing
from shared.adapters.dynamodb import Dynamo
from shared.web.lines import JsonLines
from tenant_api import app
from tenant_api.settings import Settings
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.serving import serving
from tests.tenant_api.service import Service, settings_for
from tests.tokens import Issuer


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """The end-users' Clerk app."""
    return Issuer()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def settings(issuer: Issuer, endpoint: str) -> AsyncIterator[Settings]:
    """Settings of a tenant_api whose tables are there and whose Clerk app answers."""
    prefix = f"t{token_hex(6)}-"
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    create_missing(client, prefix)
    client.close()
    async with serving(issuer.app) as address:
        yield settings_for(issuer.clerk_app(address), endpoint, prefix)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dynamo(endpoint: str) -> AsyncIterator[Dynamo]:
    """One connection pool for the folder."""
    opened = Dynamo(region=REGION, endpoint=endpoint)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def served_clock() -> SetClock:
    return SetClock()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def addresses(settings: Settings, served_clock: SetClock) -> AsyncIterator[tuple[str, str]]:
    """Where two instances of tenant_api are served that share one store."""
    first, second = app.build(settings, served_clock), app.build(settings, served_clock)
    async with serving(first) as one, serving(second) as other:
        yield one, other


@pytest.fixture
def clock(served_clock: SetClock) -> SetClock:
    """The clock of the service, set to noon of a day in November."""
    served_clock.now = SetClock().now
    return served_clock


@pytest_asyncio.fixture(loop_scope="session")
async def service(
    addresses: tuple[str, str], issuer: Issuer, clock: SetClock, dynamo: Dynamo, settings: Settings
) -> AsyncIterator[Service]:
    async with Service.at(addresses[0], issuer, clock, dynamo, settings.table_prefix) as opened:
        yield opened


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything the service writes to its log, as an operator reads it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    root, ours = logging.getLogger(), logging.getLogger("dream_api")
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    yield written
    ours.setLevel(before)
    root.removeHandler(handler)

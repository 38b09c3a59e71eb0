"""platform_api on real sockets: its own Clerk app, tables and clock, and a client that calls it as a developer.

One app serves the whole folder, because opening one takes half a second; each test is a developer of its own. All of
it lives in one event loop, which the modules ask for with `pytest.mark.asyncio(loop_scope="session")`.
"""

import io
import logging
from collections.abc import AsyncIterator, Iterator
from secrets import token_hex

import boto3
import pytest
import pytest_asyncio

from infra.tables import create_missing
from platform_api import app
from platform_api.settings import Settings
from shared.adapters.dynamodb import Dynamo
from shared.web.lines import JsonLines
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.platform_api.service import Service, settings_for
from tests.serving import serving
from tests.tokens import Issuer


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """The developers' Clerk app."""
    return Issuer()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def settings(issuer: Issuer, endpoint: str) -> AsyncIterator[Settings]:
    """Settings of a platform_api whose tables are there and whose Clerk app answers."""
    prefix = f"t{token_hex(6)}-"
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    create_missing(client, prefix)
    client.close()
    async with serving(issuer.app) as address:
        yield settings_for(issuer.clerk_app(address), endpoint, prefix)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dynamo(endpoint: str) -> AsyncIterator[Dynamo]:
    """One connection pool for the folder, for the same reason."""
    opened = Dynamo(region=REGION, endpoint=endpoint)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def served_clock() -> SetClock:
    return SetClock()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address(settings: Settings, served_clock: SetClock) -> AsyncIterator[str]:
    """Where platform_api is served."""
    async with serving(app.build(settings, served_clock)) as address:
        yield address


@pytest.fixture
def clock(served_clock: SetClock) -> SetClock:
    """The clock of the service, set to noon of a day in November."""
    served_clock.now = SetClock().now
    return served_clock


@pytest_asyncio.fixture(loop_scope="session")
async def service(address: str, issuer: Issuer, clock: SetClock) -> AsyncIterator[Service]:
    """A developer nobody has seen before, who calls the service."""
    async with Service.at(address, issuer, clock) as opened:
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

"""Fixtures of the bridge's tests: both sides, a store that can die or be down, and the service on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from oauth_bridge import app
from oauth_bridge.comparison import Comparison
from oauth_bridge.outbox import Outbox
from oauth_bridge.reconcile import Reconciler
from oauth_bridge.repositories.cursor import CursorStore
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_credentials import TenantCredentials
from oauth_bridge.settings import Settings
from oauth_bridge.worker import SyncWorker
from shared.adapters.dynamodb import Dynamo, NotApplied
from shared.adapters.system import Clock
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.oauth_bridge.sides import PlatformSide, TenantSide
from tests.serving import serving
from tests.tokens import Issuer

OVERLAP = timedelta(seconds=60)


class Killed(BaseException):
    """The process is gone."""


class MortalDynamo(Dynamo):
    """A store whose user dies after `steps_left` steps (a call has two: sent, answered), is down, or odd."""

    steps_left: int | None = None
    down = False
    odd_calls = 0
    calls = 0

    async def _call(self, call: Callable[[], Any]) -> Any:
        return await self._lived(super()._call(call))

    async def _ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self._lived(super()._ask(operation, request))
        return found

    async def _lived(self, call: Coroutine[Any, Any, Any]) -> Any:
        self.calls += 1
        try:
            if self.down:
                raise NotApplied("down", retry_after_seconds=2)
            if self.odd_calls:
                self.odd_calls -= 1
                raise RuntimeError("odd")
            self._step()
        except BaseException:
            call.close()
            raise
        answer = await call
        self._step()
        return answer

    def _step(self) -> None:
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise Killed


@dataclass(frozen=True)
class Parts:
    """A worker's parts over one store, to be driven step by step."""

    outbox: Outbox
    comparison: Comparison
    reconciler: Reconciler
    cursor: CursorStore
    tenant: TenantCredentials

    def worker(self, poll_seconds: float = 0.02, comparison_seconds: float = 300) -> SyncWorker:
        return SyncWorker(
            self.outbox, self.comparison, poll_seconds=poll_seconds, comparison_seconds=comparison_seconds
        )


def parts(dynamo: Dynamo, prefix: str, clock: Clock) -> Parts:
    platforms = PlatformCredentials(dynamo, prefix + "platform-tokens")
    tenant = TenantCredentials(dynamo, prefix + "tenant-tokens")
    cursor = CursorStore(dynamo, prefix + "tenant-tokens")
    reconciler = Reconciler(platforms, tenant, clock)
    outbox = Outbox(platforms, reconciler, cursor, clock, OVERLAP)
    return Parts(outbox, Comparison(platforms, reconciler), reconciler, cursor, tenant)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
def stores(endpoint: str) -> Iterator[tuple[Dynamo, MortalDynamo]]:
    """Opened once for all tests here: a client takes longer to build than most tests to run."""
    opened = Dynamo(region=REGION, endpoint=endpoint), MortalDynamo(region=REGION, endpoint=endpoint)
    yield opened
    for one in opened:
        asyncio.run(one.close())


@pytest.fixture
async def dynamo(stores: tuple[Dynamo, MortalDynamo]) -> AsyncIterator[Dynamo]:
    yield stores[0]
    await stores[0].rest()


@pytest.fixture
async def mortal(stores: tuple[Dynamo, MortalDynamo]) -> AsyncIterator[MortalDynamo]:
    mortal = stores[1]
    mortal.steps_left, mortal.down, mortal.odd_calls, mortal.calls = None, False, 0, 0
    yield mortal
    await mortal.rest()


@pytest.fixture
def platform(dynamo: Dynamo, prefix: str) -> PlatformSide:
    return PlatformSide(dynamo, prefix)


@pytest.fixture
def tenant(dynamo: Dynamo, prefix: str) -> TenantSide:
    return TenantSide(dynamo, prefix)


@pytest.fixture
def bridge(mortal: MortalDynamo, prefix: str, clock: SetClock) -> Parts:
    """The worker's parts on a clock that stands still."""
    return parts(mortal, prefix, clock)


@pytest.fixture
def unused_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Served:
    """The bridge on a socket."""

    http: httpx2.AsyncClient
    issuer: Issuer
    settings: Settings

    def as_user(self, user_id: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(user_id)}"}


@asynccontextmanager
async def serve_bridge(issuer: Issuer, endpoint: str, prefix: str) -> AsyncIterator[Served]:
    """The service as it runs in production, over a store and a Clerk app of the tests' own."""
    async with serving(issuer.app) as clerk:
        settings = Settings(
            developer_clerk=issuer.clerk_app(clerk),
            dynamodb_endpoint=endpoint,
            table_prefix=prefix,
            aws_region=REGION,
            platform_api_url="https://app.example.com",
        )
        async with (
            serving(app.build(settings)) as address,
            httpx2.AsyncClient(base_url=address, trust_env=False, timeout=30) as http,
        ):
            yield Served(http, issuer, settings)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """One for all tests: making a key pair takes its time."""
    return Issuer()


@pytest.fixture
async def served(issuer: Issuer, endpoint: str, prefix: str) -> AsyncIterator[Served]:
    async with serve_bridge(issuer, endpoint, prefix) as bridge:
        yield bridge

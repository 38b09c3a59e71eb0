"""Everything the bridge is made of, and the only place where any of it is constructed.

Opened by the app's lifespan, once a process, and by the worker that runs alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from oauth_bridge.authentication import Authentication
from oauth_bridge.comparison import Comparison
from oauth_bridge.outbox import Outbox
from oauth_bridge.reconcile import Reconciler
from oauth_bridge.repositories.cursor import CursorStore
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_configs import TenantConfigs
from oauth_bridge.repositories.tenant_credentials import TenantCredentials
from oauth_bridge.settings import Settings
from oauth_bridge.tiers import Tiers
from oauth_bridge.worker import SyncWorker
from shared.adapters.clerk import TokenVerifier, clerk_http
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import Clock, utc_now
from shared.records.platform_credential import registry_partitions
from shared.web.health import Check


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes and the lifespan use."""

    authentication: Authentication
    tiers: Tiers
    worker: SyncWorker
    reach_store: Check


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Deps]:
    """The dependencies, closed in reverse order afterwards."""
    async with AsyncExitStack() as closing:
        dynamo = Dynamo(region=settings.aws_region, endpoint=settings.dynamodb_endpoint)
        closing.push_async_callback(dynamo.close)
        http = await closing.enter_async_context(clerk_http())
        tokens = TokenVerifier(settings.developer_clerk, http, clock)
        closing.push_async_callback(tokens.close)
        platforms = PlatformCredentials(dynamo, settings.table("platform-tokens"))
        tenant_tokens = settings.table("tenant-tokens")
        cursor = CursorStore(dynamo, tenant_tokens)

        async def reach_store() -> object:
            return await asyncio.gather(cursor.load(), platforms.listed(registry_partitions()[0], None, 1))

        yield Deps(
            authentication=Authentication(tokens),
            tiers=Tiers(platforms, TenantConfigs(dynamo, tenant_tokens), clock),
            worker=_worker(settings, platforms, TenantCredentials(dynamo, tenant_tokens), cursor, clock),
            reach_store=reach_store,
        )


def _worker(
    settings: Settings,
    platforms: PlatformCredentials,
    tenant: TenantCredentials,
    cursor: CursorStore,
    clock: Clock,
) -> SyncWorker:
    reconciler = Reconciler(platforms, tenant, clock)
    overlap = timedelta(seconds=settings.sync_overlap_seconds)
    return SyncWorker(
        Outbox(platforms, reconciler, cursor, clock, overlap),
        Comparison(platforms, reconciler),
        poll_seconds=settings.sync_poll_seconds,
        comparison_seconds=settings.comparison_seconds,
    )

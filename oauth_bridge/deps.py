"""Everything the bridge is made of, and the only place where any of it is constructed.

Opened by the app's lifespan, once a process, and by the worker that runs alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from oauth_bridge.authentication import Authentication
from oauth_bridge.browser import Browser
from oauth_bridge.comparison import Comparison
from oauth_bridge.connect import Connect
from oauth_bridge.connections import Connections, Offered
from oauth_bridge.github import GitHubLinking
from oauth_bridge.handshakes import Handshakes
from oauth_bridge.outbox import Outbox
from oauth_bridge.platforms import Platforms
from oauth_bridge.previews import Previews
from oauth_bridge.profile import Profile
from oauth_bridge.reconcile import Reconciler
from oauth_bridge.repositories.cursor import CursorStore
from oauth_bridge.repositories.github_links import GitHubLinks
from oauth_bridge.repositories.handshakes import HandshakeStore
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.preview_keys import PreviewKeys
from oauth_bridge.repositories.tenant_configs import TenantConfigs
from oauth_bridge.repositories.tenant_credentials import TenantCredentials
from oauth_bridge.settings import Settings
from oauth_bridge.tiers import Selling, Tiers
from oauth_bridge.worker import SyncWorker
from shared.adapters.clerk import TokenVerifier, clerk_http
from shared.adapters.dynamodb import Dynamo
from shared.adapters.github import GitHub
from shared.adapters.stripe_catalog import StripeCatalog
from shared.adapters.stripe_connect import StripeConnect
from shared.adapters.system import Chance, Clock, random_bytes, utc_now
from shared.adapters.tracing import Traces, traced
from shared.billing.connections import ConnectedAccounts
from shared.records.platform_credential import registry_partitions
from shared.web.health import Check, Readiness


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes and the lifespan use."""

    authentication: Authentication
    tiers: Tiers
    previews: Previews
    profile: Profile
    connections: Connections
    connect: Connect | None
    github: GitHubLinking | None
    browser: Browser
    worker: SyncWorker
    readiness: Readiness
    traces: Traces | None


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = utc_now, chance: Chance = random_bytes) -> AsyncIterator[Deps]:
    """The dependencies, closed in reverse order afterwards."""
    async with AsyncExitStack() as closing:
        traces = await closing.enter_async_context(traced(settings, "oauth_bridge"))
        dynamo = Dynamo(region=settings.aws_region, endpoint=settings.dynamodb_endpoint)
        closing.push_async_callback(dynamo.close)
        http = await closing.enter_async_context(clerk_http())
        tokens = TokenVerifier(settings.developer_clerk, http, clock)
        closing.push_async_callback(tokens.close)
        credentials = PlatformCredentials(dynamo, settings.table("platform-tokens"))
        tenant_tokens = settings.table("tenant-tokens")
        cursor = CursorStore(dynamo, tenant_tokens)

        async def reach_store() -> object:
            return await asyncio.gather(cursor.load(), credentials.listed(registry_partitions()[0], None, 1))

        platforms, configs = Platforms(credentials), TenantConfigs(dynamo, tenant_tokens)
        accounts, links = ConnectedAccounts(dynamo, tenant_tokens), GitHubLinks(dynamo, tenant_tokens)
        handshakes = Handshakes(HandshakeStore(dynamo, tenant_tokens), clock, chance)
        live = settings.connect is not None and settings.connect.live
        offered = Offered(settings.connect is not None, settings.github is not None, live)
        keys = PreviewKeys(dynamo, tenant_tokens)
        catalog = _catalog(settings, closing)
        reported: dict[str, Check] = {"clerk": tokens.reach}
        reported |= {} if catalog is None else {"stripe": catalog.reach}
        readiness = Readiness({"store": reach_store}, reported)
        closing.push_async_callback(readiness.close)
        yield Deps(
            authentication=Authentication(tokens),
            tiers=Tiers(platforms, configs, Selling(accounts, catalog, live=live), clock),
            previews=Previews(platforms, keys, settings.tenant_api_url, clock, chance),
            profile=Profile(platforms, configs),
            connections=Connections(platforms, accounts, links, offered),
            connect=_connect(settings, closing, handshakes, platforms, accounts, clock),
            github=_github(settings, closing, handshakes, platforms, links, clock),
            browser=Browser(settings.platform_api_url + "/dashboard", secure=settings.encrypted),
            worker=_worker(settings, credentials, TenantCredentials(dynamo, tenant_tokens), cursor, clock, traces),
            readiness=readiness,
            traces=traces,
        )


def _catalog(settings: Settings, closing: AsyncExitStack) -> StripeCatalog | None:
    if settings.connect is None:
        return None
    catalog = StripeCatalog(settings.connect)
    closing.push_async_callback(catalog.close)
    return catalog


def _connect(
    settings: Settings,
    closing: AsyncExitStack,
    handshakes: Handshakes,
    platforms: Platforms,
    accounts: ConnectedAccounts,
    clock: Clock,
) -> Connect | None:
    if settings.connect is None:
        return None
    onboarding = StripeConnect(settings.connect, settings.oauth_bridge_url + "/stripe/callback")
    closing.push_async_callback(onboarding.close)
    return Connect(onboarding, handshakes, platforms, accounts, clock, live=settings.connect.live)


def _github(
    settings: Settings,
    closing: AsyncExitStack,
    handshakes: Handshakes,
    platforms: Platforms,
    links: GitHubLinks,
    clock: Clock,
) -> GitHubLinking | None:
    if settings.github is None:
        return None
    github = GitHub(settings.github, settings.oauth_bridge_url + "/github/callback")
    closing.push_async_callback(github.close)
    return GitHubLinking(github, handshakes, platforms, links, clock)


def _worker(
    settings: Settings,
    platforms: PlatformCredentials,
    tenant: TenantCredentials,
    cursor: CursorStore,
    clock: Clock,
    traces: Traces | None,
) -> SyncWorker:
    reconciler = Reconciler(platforms, tenant, clock)
    overlap = timedelta(seconds=settings.sync_overlap_seconds)
    return SyncWorker(
        Outbox(platforms, reconciler, cursor, clock, overlap, traces),
        Comparison(platforms, reconciler, traces),
        poll_seconds=settings.sync_poll_seconds,
        comparison_seconds=settings.comparison_seconds,
    )

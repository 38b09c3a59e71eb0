"""The whole product on loopback, in one event loop: three apps, two Clerk apps, Stripe's stand-in, one store.

Every proof of this folder attacks it. `people.py` says who lives in it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3
import httpx2
from cryptography.fernet import Fernet
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

import oauth_bridge.app
import oauth_bridge.settings
import platform_api.app
import platform_api.settings
import tenant_api.app
import tenant_api.settings
from infra.sandbox.clerk_backend import Backend, Refusal, refused
from infra.sandbox.clerk_state import ClerkState
from infra.sandbox.scanner import KEYS_PATH, Scanner
from infra.sandbox.stripe.config import Config, Endpoint
from infra.tables import create_missing
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import Clock
from shared.settings import ClerkApp
from tenant_api.deps import BillingDeps, opened
from tenant_api.recount import Recount
from tests.conftest import REGION
from tests.fault_proxy import FaultProxy, between
from tests.infra.stripe.sandbox import CONNECT_SECRET, KEY, OWN_SECRET, Sandbox, running
from tests.mortal import Mortal
from tests.platform_api.billing.world import Relay
from tests.serving import serving
from tests.tokens import Issuer

PLATFORM_PAGES = "https://platform.example.com"
TENANT_PAGES = "https://api.example.com"
BRIDGE = "https://connect.example.com"
NOWHERE = "http://127.0.0.1:9"
GITHUB_SECRET = "canary_of_github"
CLERK_KEY = "sk_test_canary_of_clerk"
SERVICES = ("platform_api", "tenant_api", "oauth_bridge")

# Made once: a key pair takes a third of a second.
DEVELOPERS, END_USERS = Issuer("ins_developers"), Issuer("ins_end_users")
SCANNER = Scanner()


@dataclass
class Product:
    """`apps` and `urls` by service name; `clerk` has the users of each Clerk app; `secrets` are the operator's.

    In the frail product there are `lives` to end, `weather` to make, end-users' `billing` as reconcile has it, and the
    `recount` of what killed processes left open.
    """

    apps: dict[str, Starlette]
    urls: dict[str, str]
    http: httpx2.AsyncClient
    stripe: Sandbox
    dynamo: Dynamo
    prefix: str
    clerk: dict[str, ClerkState]
    secrets: tuple[str, ...]
    lives: dict[str, Mortal] = field(default_factory=dict)
    weather: dict[str, FaultProxy] = field(default_factory=dict)
    billing: BillingDeps | None = None
    recount: Recount | None = None

    async def ask(self, service: str, method: str, path: str, **sent: Any) -> httpx2.Response:
        """One request to a service; a store that is slow just now is asked again."""
        for _ in range(3):
            answer = await self.http.request(method, self.urls[service] + path, **sent)
            if answer.status_code != 503:
                break
        return answer


def clerk_app(issuer: Issuer, state: ClerkState) -> Starlette:
    """The tests' issuer, with a Backend API behind it; and the scanner's keys, to need no server of their own."""
    backend = Backend(state, issuer.url, CLERK_KEY)
    handlers: dict[Any, Any] = {Refusal: refused}
    return Starlette(
        routes=[*issuer.app.routes, *SCANNER.routes(), Mount("/v1", routes=backend.routes())],
        exception_handlers=handlers,
    )


async def served_clerk(stack: AsyncExitStack, issuer: Issuer, state: ClerkState, party: str) -> ClerkApp:
    stack.callback(setattr, issuer, "url", issuer.url)  # another product of this process may be using it
    url = await stack.enter_async_context(serving(clerk_app(issuer, state)))
    return issuer.clerk_app(url, party).model_copy(update={"secret_key": SecretStr(CLERK_KEY)})


def settings_of(
    common: dict[str, Any], clerk: dict[str, ClerkApp], stripe_url: str, price_id: str, seal: str
) -> tuple[platform_api.settings.Settings, tenant_api.settings.Settings, oauth_bridge.settings.Settings]:
    """Settings of the three services; `clerk` is each Clerk app's, by its name."""
    stripe = {"secret_key": KEY, "api_url": stripe_url, "connect_url": stripe_url}
    pages = {"platform_api_url": PLATFORM_PAGES, "tenant_api_url": TENANT_PAGES}
    # The proofs come from one address; what an address may do is shown in tests/shared/web.
    open_to_all = {"visitors_per_minute": 0, "failures_per_minute": 0}
    common = pages | open_to_all | {"reconcile_seconds": 0} | common
    platform = {
        "developer_clerk": clerk["dream-api"],
        "credential_keys": seal,
        "stripe": stripe | {"webhook_secret": OWN_SECRET},
        "stripe_price_id": price_id,
        "secret_scanning_keys_url": clerk["dream-api"].issuer + KEYS_PATH,
    }
    tenant = {
        "end_user_clerk": clerk["end-user-api"],
        "tenant_stripe": stripe | {"webhook_secret": CONNECT_SECRET},
        "registration_enabled": True,
        "registration_per_minute": 100_000,
        "registration_per_month": 100_000,
        "key_cache_seconds": 0,
    }
    bridge = {
        "developer_clerk": clerk["dream-api"],
        "sync_poll_seconds": 0.25,
        "oauth_bridge_url": BRIDGE,
        "connect": stripe | {"client_id": "ca_dream"},
        # Nobody answers there: no proof gets past the state that a handshake begins with.
        "github": {"client_id": "dream", "client_secret": GITHUB_SECRET, "url": NOWHERE, "api_url": NOWHERE},
    }
    return (
        platform_api.settings.Settings.model_validate(platform | common),
        tenant_api.settings.Settings.model_validate(tenant | common),
        oauth_bridge.settings.Settings.model_validate(bridge | common),
    )


def built(
    platform: platform_api.settings.Settings,
    tenant: tenant_api.settings.Settings,
    bridge: oauth_bridge.settings.Settings,
) -> dict[str, Starlette]:
    """The three apps, in the order of SERVICES."""
    apps = platform_api.app.build(platform), tenant_api.app.build(tenant), oauth_bridge.app.build(bridge)
    return dict(zip(SERVICES, apps, strict=True))


def apps_on_paper() -> dict[str, Starlette]:
    """The apps as they are built but not started, for their route tables."""
    clerk = {"dream-api": DEVELOPERS, "end-user-api": END_USERS}
    nowhere = {app: copy(issuer).clerk_app(NOWHERE) for app, issuer in clerk.items()}
    return built(*settings_of({}, nowhere, NOWHERE, "price_1", Fernet.generate_key().decode()))


@dataclass
class Outside:
    """What the services depend on: both Clerk apps, Stripe, tables, and how Stripe's events reach the services."""

    clerk: dict[str, ClerkApp]
    users: dict[str, ClerkState]
    stripe: Sandbox
    price_id: str
    prefix: str
    relays: tuple[Relay, Relay]


async def outside(stack: AsyncExitStack, endpoint: str, folder: Path) -> Outside:
    prefix = f"t{token_hex(6)}-"
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    await asyncio.to_thread(create_missing, client, prefix)
    client.close()
    relays = Relay(), Relay()
    hooks = [await stack.enter_async_context(serving(relay.app)) + "/hook" for relay in relays]
    config = Config(webhooks=(Endpoint(hooks[0], OWN_SECRET),), connect_webhooks=(Endpoint(hooks[1], CONNECT_SECRET),))
    stripe = await stack.enter_async_context(running(config=config))
    users = {app: ClerkState(folder / f"{app}.json") for app in ("dream-api", "end-user-api")}
    clerk = {
        "dream-api": await served_clerk(stack, DEVELOPERS, users["dream-api"], PLATFORM_PAGES),
        "end-user-api": await served_clerk(stack, END_USERS, users["end-user-api"], TENANT_PAGES),
    }
    price = await stripe.price(2900, "dream-api")
    return Outside(clerk, users, stripe, price.id, prefix, relays)


async def met(
    stack: AsyncExitStack, there: Outside, apps: dict[str, Starlette], urls: dict[str, str], **more: Any
) -> Product:
    """The product once its services are served at `urls`."""
    there.relays[0].urls, there.relays[1].urls = [urls["platform_api"]], [urls["tenant_api"]]
    dynamo = Dynamo(region=REGION, endpoint=more.pop("endpoint"))
    stack.push_async_callback(dynamo.close)
    http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=30))
    secrets = (more.pop("seal"), CLERK_KEY, KEY, OWN_SECRET, CONNECT_SECRET, GITHUB_SECRET)
    return Product(apps, urls, http, there.stripe, dynamo, there.prefix, there.users, secrets, **more)


@asynccontextmanager
async def product(endpoint: str, folder: Path, **changed: Any) -> AsyncIterator[Product]:
    """The product on tables of its own. `changed` overwrites settings of every service."""
    async with AsyncExitStack() as stack:
        there, seal = await outside(stack, endpoint, folder), Fernet.generate_key().decode()
        store = {"dynamodb_endpoint": endpoint, "table_prefix": there.prefix}
        apps = built(*settings_of(store | changed, there.clerk, there.stripe.url, there.price_id, seal))
        urls = {name: await stack.enter_async_context(serving(app)) for name, app in apps.items()}
        yield await met(stack, there, apps, urls, endpoint=endpoint, seal=seal)


@asynccontextmanager
async def frail_product(endpoint: str, folder: Path, clock: Clock) -> AsyncIterator[Product]:
    """The same with a clock to move, services to kill, and a proxy before each thing that they depend on."""
    async with AsyncExitStack() as stack:
        there, seal = await outside(stack, endpoint, folder), Fernet.generate_key().decode()
        behind = {"store": endpoint, "stripe": there.stripe.url} | {app: one.issuer for app, one in there.clerk.items()}
        weather = {name: await stack.enter_async_context(between(url)) for name, url in behind.items()}
        clerk = {app: one.model_copy(update={"api_url": weather[app].url + "/v1"}) for app, one in there.clerk.items()}
        store = {"dynamodb_endpoint": weather["store"].url, "table_prefix": there.prefix}
        quick = store | {"sync_poll_seconds": 0.05}
        settings = settings_of(quick, clerk, weather["stripe"].url, there.price_id, seal)
        lives = {
            "platform_api": Mortal(partial(platform_api.app.build, settings[0], clock)),
            "tenant_api": Mortal(partial(tenant_api.app.build, settings[1], clock)),
            "oauth_bridge": Mortal(partial(oauth_bridge.app.build, settings[2], clock)),
        }
        for name in SERVICES:
            await asyncio.to_thread(lives[name].start)
            stack.push_async_callback(asyncio.to_thread, lives[name].stop)
        urls = {name: life.url for name, life in lives.items()}
        calm = settings_of(store | {"dynamodb_endpoint": endpoint}, there.clerk, there.stripe.url, there.price_id, seal)
        deps = await stack.enter_async_context(opened(calm[1], clock))
        more = {"lives": lives, "weather": weather, "billing": deps.billing, "recount": deps.recount}
        yield await met(stack, there, {}, urls, endpoint=endpoint, seal=seal, **more)

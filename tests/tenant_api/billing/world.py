"""Developers' whole money path on real sockets: two tenant_api instances, Stripe's and Clerk's stand-ins."""

import itertools
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx2

from infra.sandbox.clerk import Clerk
from infra.sandbox.clerk_state import ClerkState, User
from infra.sandbox.layout import Layout
from infra.sandbox.stripe.config import Config, Endpoint
from shared.adapters.dynamodb import Dynamo, put
from shared.billing.records import BillingRecord, BillingRecords
from shared.domain import keys
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records import tenant_config
from shared.records.tenant_config import Catalog, PlatformSettings, StripeConnection, StripePrice
from tenant_api import app
from tenant_api.deps import BillingDeps, opened
from tenant_api.settings import Settings
from tests.infra.stripe.sandbox import CONNECT_SECRET, KEY, Sandbox, connected, running
from tests.platform_api.billing.world import Faulty, Relay
from tests.serving import serving

CLERK_KEY = "sk_test_clerk"
PAGES = "https://api.example.com"
SHOP = "https://shop.example.com"
FREE, BASIC, PRO, MAX = 5, 50, 500, 5000
TIERS = TierConfig(
    (
        Tier("free", "Free", FREE, UNLIMITED, Price(0, "usd", "month")),
        Tier("basic", "Basic", BASIC, UNLIMITED, Price(900, "usd", "month")),
        Tier("pro", "Pro", PRO, UNLIMITED, Price(2900, "usd", "month")),
        Tier("max", "Max", MAX, UNLIMITED, Price(9900, "usd", "month"), trial_days=14),
        Tier("partner", "Partner", UNLIMITED, UNLIMITED),
    ),
    1,
)


@dataclass
class Platform:
    """A developer with a connected account and tiers on sale."""

    platform_id: str
    key: str
    account: str
    catalog: Catalog

    def price(self, tier: str) -> str:
        return self.catalog.prices[tier].price_id


@dataclass
class EndUser:
    """A person signed up with a platform. Their token is minted once: it goes on saying the free plan."""

    platform: Platform
    clerk: User
    token: str

    @property
    def id(self) -> str:
        return str(self.clerk["id"])

    @property
    def subject(self) -> str:
        return f"{self.platform.platform_id}:{self.id}"

    @property
    def metadata(self) -> Any:
        return self.clerk["public_metadata"]


@dataclass
class World:
    """`urls` are the two instances."""

    stripe: Sandbox
    clerk: ClerkState
    clerk_faults: deque[int | float]
    clerk_http: httpx2.AsyncClient
    http: httpx2.AsyncClient
    urls: list[str]
    dynamo: Dynamo
    records: BillingRecords
    settings: Settings
    turn: "itertools.count[int]" = field(default_factory=itertools.count)

    async def store(self, item: dict[str, Any]) -> None:
        await self.dynamo.write(put(self.settings.table("tenant-tokens"), item))

    async def platform(self, *origins: str, sells: TierConfig = TIERS) -> Platform:
        """A platform as the bridge would have set it up."""
        platform_id, key = "plt_" + token_hex(16), keys.api_key(os.urandom(keys.RANDOM_BYTES))
        account = await connected(self.stripe, "acct_" + token_hex(8))
        prices = {
            tier.name: await self.stripe.price(tier.price.amount, tier.display_name, account)
            for tier in sells.tiers
            if tier.price is not None and not tier.free
        }
        catalog = Catalog(account, {name: StripePrice(one.id, one.product) for name, one in prices.items()})
        api_key = tenant_config.ApiKey(platform_id).to_item()
        await self.store(tenant_config.api_key_key(keys.key_hash(key)) | api_key)
        await self.store(tenant_config.credential_key(platform_id) | {"platformId": platform_id, "version": 1})
        await self.connect(platform_id, account)
        if origins:
            await self.store(tenant_config.settings_key(platform_id) | PlatformSettings(origins=origins).to_item())
        platform = Platform(platform_id, key, account, catalog)
        await self.publish(platform, sells, catalog)
        return platform

    async def connect(self, platform_id: str, account: str, **changed: Any) -> None:
        connection = StripeConnection(account, **{"livemode": False, "connected_at": 0} | changed)
        await self.store(tenant_config.connection_key(platform_id) | connection.to_item())
        await self.store(tenant_config.account_key(account) | {"platformId": platform_id})

    async def publish(self, platform: Platform, config: TierConfig, catalog: Catalog) -> None:
        platform.catalog = catalog
        item = tenant_config.tier_config_to_item(config, catalog)
        await self.store(tenant_config.tier_config_key(platform.platform_id) | item)

    async def end_user(self, platform: Platform) -> EndUser:
        """An end-user nobody has seen before."""
        user = self.clerk.create_user(f"user-{token_hex(6)}@example.com")
        user["public_metadata"] = {"platformId": platform.platform_id, "plan": "free"}
        asked = {"userId": user["id"], "template": "end-user-api", "origin": PAGES}
        token = (await self.clerk_http.post("/_sandbox/token", json=asked)).json()["jwt"]
        return EndUser(platform, user, token)

    async def post(self, user: EndUser, path: str, body: Any = None) -> httpx2.Response:
        """An end-user's POST, to one instance and then the other."""
        return await self.send(path, {"Authorization": f"Bearer {user.token}"}, body)

    async def send(self, path: str, headers: dict[str, str], body: Any = None) -> httpx2.Response:
        while True:
            url = self.urls[next(self.turn) % len(self.urls)]
            answer = await self.http.post(url + path, headers=headers, json=body)
            if answer.status_code != 503:  # a slow engine: a client sends the same request again
                return answer

    async def limit(self, user: EndUser) -> int:
        """The limit that the end-user is held to, as the dashboard shows it."""
        url = self.urls[next(self.turn) % len(self.urls)]
        answer = await self.http.get(url + "/api/usage", headers={"Authorization": f"Bearer {user.token}"})
        limit: int = answer.json()["limit"]
        return limit

    async def checkout(self, user: EndUser, tier: str) -> str:
        answer = (await self.post(user, "/api/create-checkout", {"tier": tier})).json()
        assert not answer["portal"]
        return str(answer["url"])

    async def subscribe(self, user: EndUser, tier: str, card: str = "4242424242424242") -> None:
        """Through the checkout, paid on the hosted page."""
        url = await self.checkout(user, tier)
        assert (await self.stripe.browser.post(url, data={"card": card})).status_code == 303

    async def in_portal(self, user: EndUser, action: str, **fields: str) -> None:
        """Press a button of the hosted portal, on the end-user's newest subscription."""
        url = (await self.post(user, "/api/customer-portal")).json()["url"]
        subscription = (await self.truth(user))[0]["id"]
        answer = await self.stripe.browser.post(url, data={"do": action, "subscription": subscription, **fields})
        assert answer.status_code == 303, answer.text

    async def record(self, user: EndUser) -> BillingRecord:
        found = await self.records.find(user.subject)
        assert found is not None
        return found

    async def truth(self, user: EndUser) -> list[Any]:
        """The end-user's subscriptions as Stripe has them, newest first."""
        asked = {"customer": (await self.record(user)).customer_id, "status": "all"}
        on = {"stripe_account": user.platform.account}
        return [one.to_dict() for one in (await self.stripe.ask.subscriptions.list_async(asked, on)).data]

    async def settled(self) -> None:
        assert (await self.stripe.control("settle", seconds=15))["settled"]

    def environment(self, **changed: str) -> dict[str, str]:
        """The variables of a process of its own that belongs to this world."""
        clerk, stripe = self.settings.end_user_clerk, self.settings.tenant_stripe
        assert stripe is not None
        return {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "tenant_api",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "DYNAMODB_ENDPOINT": str(self.settings.dynamodb_endpoint),
            "TABLE_PREFIX": self.settings.table_prefix,
            "TENANT_API_URL": PAGES,
            "END_USER_CLERK__PUBLISHABLE_KEY": clerk.publishable_key,
            "END_USER_CLERK__SECRET_KEY": clerk.secret_key.get_secret_value(),
            "END_USER_CLERK__AUTHORIZED_PARTIES": PAGES,
            "END_USER_CLERK__ISSUER": clerk.issuer,
            "END_USER_CLERK__API_URL": clerk.api_url,
            "TENANT_STRIPE__SECRET_KEY": stripe.secret_key.get_secret_value(),
            "TENANT_STRIPE__WEBHOOK_SECRET": stripe.webhook_secret.get_secret_value(),
            "TENANT_STRIPE__API_URL": stripe.api_url,
            "TENANT_STRIPE__CONNECT_URL": stripe.connect_url,
            "RECONCILE_SECONDS": "0",
        } | changed

    @asynccontextmanager
    async def billing(self) -> AsyncIterator[BillingDeps]:
        """A process of its own, as the reconcile command is one."""
        async with opened(self.settings) as deps:
            assert deps.billing is not None
            yield deps.billing


@asynccontextmanager
async def world(endpoint: str, prefix: str, folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        relay, state = Relay(), ClerkState(folder / "clerk.json")
        clerk = Clerk("end-user-api", state, "http://issuer.invalid", CLERK_KEY)
        hook = await stack.enter_async_context(serving(relay.app)) + "/hook"
        faulty = Faulty(clerk.app())
        clerk.issuer = await stack.enter_async_context(serving(faulty))
        config = Config(connect_webhooks=(Endpoint(hook, CONNECT_SECRET),))
        stripe = await stack.enter_async_context(running(config=config))
        settings = _settings(clerk.issuer, stripe.url, endpoint, prefix)
        relay.urls = [await stack.enter_async_context(serving(app.build(settings))) for _ in range(2)]
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=30))
        clerk_http = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=clerk.issuer, trust_env=False, timeout=30)
        )
        dynamo = Dynamo(region="us-east-1", endpoint=endpoint)
        stack.push_async_callback(dynamo.close)
        records = BillingRecords(dynamo, prefix + "tenant-tokens")
        yield World(stripe, state, faulty.faults, clerk_http, http, relay.urls, dynamo, records, settings)


def _settings(clerk_url: str, stripe_url: str, endpoint: str, prefix: str) -> Settings:
    clerk = {
        "publishable_key": Layout().publishable_key("end-user-api"),
        "secret_key": CLERK_KEY,
        "authorized_parties": PAGES,
        "issuer": clerk_url,
        "api_url": clerk_url + "/v1",
    }
    stripe = {"secret_key": KEY, "webhook_secret": CONNECT_SECRET, "api_url": stripe_url, "connect_url": stripe_url}
    return Settings.model_validate(
        {
            "end_user_clerk": clerk,
            "tenant_stripe": stripe,
            "application_fee_percent": "2.5",
            "dynamodb_endpoint": endpoint,
            "table_prefix": prefix,
            "tenant_api_url": PAGES,
            "reconcile_seconds": 0,
        }
    )

"""The operator's whole money path on real sockets: two platform_api instances, Stripe's and Clerk's stand-ins."""

import asyncio
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
from cryptography.fernet import Fernet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.sandbox.clerk import Clerk
from infra.sandbox.clerk_state import ClerkState, User
from infra.sandbox.layout import Layout
from infra.sandbox.stripe.config import Config, Endpoint
from platform_api import app
from platform_api.deps import BillingDeps, opened
from platform_api.settings import Settings
from shared.adapters.dynamodb import Dynamo
from shared.billing.records import BillingRecord, BillingRecords
from tests.infra.stripe.sandbox import KEY, OWN_SECRET, Sandbox, running
from tests.serving import serving

CLERK_KEY = "sk_test_clerk"
PAGES = "https://platform.example.com"


class Relay:
    """The webhook endpoint that Stripe knows: hands each delivery to the next instance of the service."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self._turn = itertools.count()
        # One for all: fifty opened at once keep this loop, and what is timed in it, waiting for seconds.
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30)
        self.app = Starlette(routes=[Route("/hook", self._pass_on, methods=["POST"])], lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._http:
            yield

    async def _pass_on(self, request: Request) -> Response:
        url = self.urls[next(self._turn) % len(self.urls)] + "/webhook/stripe"
        headers = {"stripe-signature": request.headers["stripe-signature"]}
        answer = await self._http.post(url, content=await request.body(), headers=headers)
        return Response(status_code=answer.status_code)


class Faulty:
    """Clerk in bad weather: each write meets the next fault, a status or a number of seconds without an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.faults: deque[int | float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "PATCH" and self.faults:
            fault = self.faults.popleft()
            if isinstance(fault, int):
                return await Response(status_code=fault)(scope, receive, send)
            await asyncio.sleep(fault)
        return await self._app(scope, receive, send)


@dataclass
class World:
    """`urls` are the two instances; a developer is named by an e-mail address."""

    stripe: Sandbox
    clerk: ClerkState
    clerk_faults: deque[int | float]
    clerk_http: httpx2.AsyncClient
    http: httpx2.AsyncClient
    urls: list[str]
    records: BillingRecords
    settings: Settings
    price_id: str
    turn: "itertools.count[int]" = field(default_factory=itertools.count)

    async def developer(self) -> User:
        """A developer nobody has seen before."""
        return self.clerk.create_user(f"dev-{token_hex(6)}@example.com")

    async def token(self, user: User) -> str:
        asked = {"userId": user["id"], "template": None, "origin": PAGES}
        jwt: str = (await self.clerk_http.post("/_sandbox/token", json=asked)).json()["jwt"]
        return jwt

    async def post(self, user: User, path: str) -> httpx2.Response:
        """A developer's POST, to one instance and then the other; their token says the free plan, always."""
        token = await self.token(user)
        while True:
            url = self.urls[next(self.turn) % len(self.urls)]
            answer = await self.http.post(url + path, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code != 503:  # a slow engine: a client sends the same request again
                return answer

    async def limit(self, user: User) -> int:
        """The limit that the developer's next call is counted against."""
        answer = (await self.post(user, "/verify-auth")).json()
        limit: int = answer["usage"]["limit"] if "usage" in answer else answer["limit"]
        return limit

    async def subscribe(self, user: User, card: str = "4242424242424242") -> None:
        """Through the checkout, paid on the hosted page."""
        url = (await self.post(user, "/create-checkout")).json()["checkoutUrl"]
        assert (await self.stripe.browser.post(url, data={"card": card})).status_code == 303

    async def in_portal(self, user: User, action: str) -> None:
        """Press a button of the hosted portal, on the developer's newest subscription."""
        url = (await self.post(user, "/customer-portal")).json()["url"]
        subscription = (await self.truth(user))[0]["id"]
        answer = await self.stripe.browser.post(url, data={"do": action, "subscription": subscription})
        assert answer.status_code == 303, answer.text

    async def record(self, user: User) -> BillingRecord:
        found = await self.records.find(user["id"])
        assert found is not None
        return found

    def metadata(self, user: User) -> Any:
        """What Clerk knows of the developer."""
        return self.clerk.users[user["id"]]["public_metadata"]

    async def truth(self, user: User) -> list[Any]:
        """The developer's subscriptions as Stripe has them, newest first."""
        asked = {"customer": (await self.record(user)).customer_id, "status": "all"}
        return [one.to_dict() for one in (await self.stripe.ask.subscriptions.list_async(asked)).data]

    async def renewed(self, user: User) -> None:
        """The clock a few hours past the end of the period that the developer is in."""
        ends = (await self.truth(user))[0]["items"]["data"][0]["current_period_end"]
        await self.stripe.control("advance", to=ends + 4 * 3600)
        await self.settled()

    async def settled(self) -> None:
        assert (await self.stripe.control("settle", seconds=15))["settled"]

    def environment(self, **changed: str) -> dict[str, str]:
        """The variables of a process of its own that belongs to this world."""
        clerk, stripe = self.settings.developer_clerk, self.settings.stripe
        assert stripe is not None
        return {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "platform_api",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "DYNAMODB_ENDPOINT": str(self.settings.dynamodb_endpoint),
            "TABLE_PREFIX": self.settings.table_prefix,
            "PLATFORM_API_URL": PAGES,
            "DEVELOPER_CLERK__PUBLISHABLE_KEY": clerk.publishable_key,
            "DEVELOPER_CLERK__SECRET_KEY": clerk.secret_key.get_secret_value(),
            "DEVELOPER_CLERK__AUTHORIZED_PARTIES": PAGES,
            "DEVELOPER_CLERK__ISSUER": clerk.issuer,
            "DEVELOPER_CLERK__API_URL": clerk.api_url,
            "CREDENTIAL_KEYS": self.settings.credential_keys.get_secret_value(),
            "STRIPE__SECRET_KEY": stripe.secret_key.get_secret_value(),
            "STRIPE__WEBHOOK_SECRET": stripe.webhook_secret.get_secret_value(),
            "STRIPE__API_URL": stripe.api_url,
            "STRIPE__CONNECT_URL": stripe.connect_url,
            "STRIPE_PRICE_ID": self.price_id,
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
        clerk = Clerk("dream-api", state, "http://issuer.invalid", CLERK_KEY)
        hook = await stack.enter_async_context(serving(relay.app)) + "/hook"
        faulty = Faulty(clerk.app())
        clerk.issuer = await stack.enter_async_context(serving(faulty))
        config = Config(webhooks=(Endpoint(hook, OWN_SECRET),))
        stripe = await stack.enter_async_context(running(config=config))
        price_id = (await stripe.price(2900, "dream-api")).id
        settings = _settings(clerk.issuer, stripe.url, price_id, endpoint, prefix)
        relay.urls = [await stack.enter_async_context(serving(app.build(settings))) for _ in range(2)]
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=30))
        clerk_http = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=clerk.issuer, trust_env=False, timeout=30)
        )
        dynamo = Dynamo(region="us-east-1", endpoint=endpoint)
        stack.push_async_callback(dynamo.close)
        records = BillingRecords(dynamo, prefix + "platform-tokens")
        yield World(stripe, state, faulty.faults, clerk_http, http, relay.urls, records, settings, price_id)


def _settings(clerk_url: str, stripe_url: str, price_id: str, endpoint: str, prefix: str) -> Settings:
    clerk = {
        "publishable_key": Layout().publishable_key("dream-api"),
        "secret_key": CLERK_KEY,
        "authorized_parties": PAGES,
        "issuer": clerk_url,
        "api_url": clerk_url + "/v1",
    }
    stripe = {"secret_key": KEY, "webhook_secret": OWN_SECRET, "api_url": stripe_url, "connect_url": stripe_url}
    return Settings.model_validate(
        {
            "developer_clerk": clerk,
            "stripe": stripe,
            "stripe_price_id": price_id,
            "credential_keys": Fernet.generate_key().decode(),
            "dynamodb_endpoint": endpoint,
            "table_prefix": prefix,
            "platform_api_url": PAGES,
            "reconcile_seconds": 0,
        }
    )

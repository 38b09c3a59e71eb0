"""The stand-in as the tests meet it: served on a socket, asked by the real client, its webhooks verified."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.sandbox.stripe.app import create_app
from infra.sandbox.stripe.config import Config, Endpoint
from tests.serving import serving

KEY = "sk_test_operator"
OWN_SECRET = "whsec_own"
CONNECT_SECRET = "whsec_connect"
GOOD, DECLINED, FAILS_LATER = "4242 4242 4242 4242", "4000000000000002", "4000000000000341"
DAY = 86_400


class Receiver:
    """A webhook endpoint: keeps the events whose signature the real client accepts."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.events: list[stripe.Event] = []
        self.answers: list[int] = []
        self.app = Starlette(routes=[Route("/hook", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        raw = await request.body()
        event = stripe.Webhook.construct_event(raw, request.headers["stripe-signature"], self.secret)
        status = self.answers.pop(0) if self.answers else 200
        if status < 300:
            self.events.append(event)
        return Response(status_code=status)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


class Sandbox:
    """One running stand-in. `ask` is the real client's v1, `options` name a connected account and a key."""

    def __init__(self, url: str) -> None:
        stripe.enable_telemetry = False
        self.url = url
        # Its close is not typed, which Any makes bearable.
        self._http: Any = stripe.HTTPXClient(timeout=httpx.Timeout(5, connect=2))
        bases: Any = dict.fromkeys(("api", "connect", "files", "meter_events"), url)
        self.client = stripe.StripeClient(KEY, client_id="ca_dream", base_addresses=bases, http_client=self._http)
        # Its params are TypedDicts of many shapes; tests also send what the types forbid.
        self.ask: Any = self.client.v1
        self.browser = httpx2.AsyncClient(base_url=url, trust_env=False, verify=False, timeout=30)

    async def close(self) -> None:
        await self.browser.aclose()
        await self._http.close_async()

    async def control(self, name: str, **given: Any) -> Any:
        answer = await self.browser.post(f"/_sandbox/{name}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def look(self, name: str, **asked: Any) -> Any:
        return (await self.browser.get(f"/_sandbox/{name}", params=asked)).json()

    async def advance(self, days: float) -> None:
        await self.control("advance", seconds=int(days * DAY))

    async def raw(self, method: str, path: str, body: str = "", **headers: str) -> httpx2.Response:
        """A request that the real client wouldn't send."""
        sent = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await self.browser.request(method, path, content=body, headers=sent)

    async def price(self, amount: int = 2900, name: str = "Pro", account: str | None = None, **recurring: Any) -> Any:
        recurring = {"interval": "month"} | recurring
        data = {"currency": "usd", "unit_amount": amount, "recurring": recurring}
        product = await self.ask.products.create_async({"name": name, "default_price_data": data}, of(account))
        return await self.ask.prices.retrieve_async(product.default_price, None, of(account))

    async def checkout(self, price_id: str, account: str | None = None, **params: Any) -> Any:
        whole = {
            "mode": "subscription",
            "line_items": [{"price": price_id, "quantity": 1}],
            "success_url": "http://shop.test/ok?session_id={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.test/plans",
        } | params
        if "customer" not in whole:
            whole.setdefault("customer_email", "buyer@example.com")
        return await self.ask.checkout.sessions.create_async(whole, of(account))

    async def pay(self, session: Any, card: str = GOOD) -> httpx2.Response:
        return await self.browser.post(session.url, data={"card": card})

    async def subscribed(self, price_id: str, account: str | None = None, card: str = GOOD, **params: Any) -> Any:
        """A subscription bought on the hosted page."""
        session = await self.checkout(price_id, account, **params)
        assert (await self.pay(session, card)).status_code == 303
        session = await self.ask.checkout.sessions.retrieve_async(session.id, None, of(account))
        return await self.ask.subscriptions.retrieve_async(session.subscription, None, of(account))

    async def subscription(self, subscription_id: str, account: str | None = None) -> Any:
        return await self.ask.subscriptions.retrieve_async(subscription_id, None, of(account))

    async def types(self, account: str | None = None) -> list[str]:
        """The types of all events of an account, oldest first."""
        page = await self.ask.events.list_async({"limit": 100}, of(account))
        return [event.type async for event in page.auto_paging_iter()][::-1]


def of(account: str | None, key: str | None = None) -> dict[str, str]:
    options = {"stripe_account": account} if account else {}
    return options | ({"idempotency_key": key} if key else {})


@asynccontextmanager
async def running(state: Path | str = ":memory:", config: Config | None = None) -> AsyncIterator[Sandbox]:
    async with serving(create_app(state, config)) as url:
        sandbox = Sandbox(url)
        try:
            yield sandbox
        finally:
            await sandbox.close()


@asynccontextmanager
async def received(state: Path | str = ":memory:") -> AsyncIterator[tuple[Sandbox, Receiver, Receiver]]:
    """A stand-in with an endpoint for the operator's own events and one for those of connected accounts."""
    own, connect = Receiver(OWN_SECRET), Receiver(CONNECT_SECRET)
    async with serving(own.app) as own_url, serving(connect.app) as connect_url:
        config = Config(
            webhooks=(Endpoint(f"{own_url}/hook", OWN_SECRET),),
            connect_webhooks=(Endpoint(f"{connect_url}/hook", CONNECT_SECRET),),
        )
        async with running(state, config) as sandbox:
            yield sandbox, own, connect


async def connected(sandbox: Sandbox, account: str = "acct_dev1") -> str:
    await sandbox.control("accounts", id=account, business_name="Weatherly", connected=True)
    return account


async def settled(sandbox: Sandbox, seconds: float = 5.0) -> None:
    assert (await sandbox.control("settle", seconds=seconds))["settled"]
    await asyncio.sleep(0)

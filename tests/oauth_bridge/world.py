"""The bridge among what it talks to, on real sockets: Stripe's and GitHub's stand-ins, both sides' tables.

A developer has a browser of their own, which keeps cookies and follows no redirect by itself.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from infra.sandbox.github import App, GitHub
from infra.sandbox.stripe.config import Config
from oauth_bridge import app
from oauth_bridge.settings import Settings
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import utc_now
from shared.settings import ConnectKeys, GitHubApp
from tests.conftest import REGION
from tests.infra.stripe.sandbox import KEY, Sandbox, of, running
from tests.oauth_bridge.sides import PlatformSide, created
from tests.serving import serving
from tests.tokens import Issuer

BRIDGE = "https://connect.example.com"
DASHBOARD = "https://app.example.com/dashboard"
CLIENT, GITHUB_CLIENT, GITHUB_SECRET = "ca_dream", "Iv1.dream", "a secret of the tests"


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@dataclass(frozen=True)
class Person:
    """A developer and their browser. The bridge is asked as a proxy before it would: http inside, https outside."""

    user_id: str
    platform_id: str
    world: "World"
    browser: httpx2.AsyncClient

    async def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """A request of the dashboard, with the developer's token."""
        headers = {"Authorization": f"Bearer {self.world.issuer.token(self.user_id)}"}
        while True:
            answer = await self.browser.request(method, path, headers=headers, json=body)
            if answer.status_code != 503 or "The store" not in answer.text:  # a slow engine: a client asks again
                return answer

    async def leave(self, provider: str) -> dict[str, str]:
        """Be sent away; what the provider is asked. The cookie is kept as a browser keeps it on https."""
        answer = await self.ask("GET", f"/{provider}/authorize")
        assert answer.status_code == 200, answer.text
        self.browser.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        return query(answer.json()["url"])

    async def come_back(self, provider: str, **params: str) -> str:
        """Return with these parameters; the word that the dashboard gets."""
        answer = await self.browser.get(f"/{provider}/callback", params=params)
        assert answer.status_code == 303, answer.text
        return query(answer.headers["location"])[provider]

    async def agree(self, asked: dict[str, str], **fields: str) -> dict[str, str]:
        """Say yes on Stripe's page; what the return would bring."""
        answer = await self.world.stripe.browser.post("/oauth/authorize", data=asked | {"decision": "connect"} | fields)
        assert answer.status_code == 303, answer.text
        return query(answer.headers["location"])

    async def connect(self, **fields: str) -> str:
        """All the clicks; the account, once it is connected."""
        assert await self.come_back("stripe", **await self.agree(await self.leave("stripe"), **fields)) == "connected"
        return str((await self.connections())["stripe"]["accountId"])

    async def connections(self) -> Any:
        return (await self.ask("GET", "/connections")).json()

    async def publish(self, *tiers: dict[str, Any]) -> Any:
        answer = await self.ask("PUT", "/tiers", {"tiers": list(tiers)})
        assert answer.status_code == 200, answer.text
        answer = await self.ask("POST", "/tiers/publish")
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True)
class World:
    """Everything, and people to walk through it."""

    url: str
    settings: Settings
    issuer: Issuer
    stripe: Sandbox
    github: httpx2.AsyncClient
    dynamo: Dynamo
    platform: PlatformSide
    stack: AsyncExitStack

    async def person(self) -> Person:
        """A developer with credentials whom nobody has seen before."""
        user_id, credential = "user_" + token_hex(6), created()
        await self.platform.change(credential, utc_now(), user_id=user_id)
        browser = httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=20)
        await self.stack.enter_async_context(browser)
        return Person(user_id, credential.platform_id, self, browser)

    async def exchanges(self) -> list[Any]:
        """The exchanges of a code that reached Stripe."""
        return [one for one in await self.requests() if one["path"] == "/oauth/token"]

    async def requests(self) -> list[Any]:
        found: list[Any] = (await self.stripe.look("requests"))["requests"]
        return found

    async def prices(self, account: str, *, active: bool | None = None) -> list[Any]:
        asked = {"limit": 100} | ({} if active is None else {"active": active})
        page = await self.stripe.ask.prices.list_async(asked, of(account))
        return [one.to_dict() for one in page.data]


@asynccontextmanager
async def world(
    issuer: Issuer, engine: str, prefix: str, *, endpoint: str | None = None, stripe: Sandbox | None = None
) -> AsyncIterator[World]:
    """`endpoint` is where the bridge finds its store, where that is not the engine; `stripe` one that runs already."""
    async with AsyncExitStack() as stack:
        clerk = issuer.clerk_app(await stack.enter_async_context(serving(issuer.app)))
        config = Config(KEY, CLIENT, (BRIDGE + "/stripe/callback",))
        asked = stripe if stripe is not None else await stack.enter_async_context(running(config=config))
        github = GitHub(App(GITHUB_CLIENT, GITHUB_SECRET, BRIDGE + "/github/callback"))
        github_url = await stack.enter_async_context(serving(github.app()))
        settings = Settings(
            developer_clerk=clerk,
            connect=ConnectKeys.model_validate(
                {"secret_key": KEY, "client_id": CLIENT, "api_url": asked.url, "connect_url": asked.url}
            ),
            github=GitHubApp.model_validate(
                {
                    "client_id": GITHUB_CLIENT,
                    "client_secret": GITHUB_SECRET,
                    "url": github_url,
                    "api_url": github_url,
                }
            ),
            dynamodb_endpoint=endpoint or engine,
            table_prefix=prefix,
            aws_region=REGION,
            oauth_bridge_url=BRIDGE,
            platform_api_url="https://app.example.com",
            tenant_api_url="https://api.example.com",
        )
        url = await stack.enter_async_context(serving(app.build(settings)))
        asking = await stack.enter_async_context(httpx2.AsyncClient(base_url=github_url, trust_env=False))
        dynamo = Dynamo(region=REGION, endpoint=engine)
        stack.push_async_callback(dynamo.close)
        yield World(url, settings, issuer, asked, asking, dynamo, PlatformSide(dynamo, prefix), stack)


def priced(name: str, amount: int, **changed: Any) -> dict[str, Any]:
    """A tier as the dashboard sends it."""
    price = {"amount": amount, "currency": "usd", "interval": "month"}
    return {"name": name, "displayName": name.title(), "limit": 1000, "price": price} | changed

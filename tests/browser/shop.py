"""Developers who sell in the running product: signed up, connected and published through the services' own APIs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from infra.sandbox.layout import DEVELOPERS, END_USERS, Layout
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier

NAME = "Weatherly"
TIERS = (
    Tier("free", "Free", 3, UNLIMITED, Price(0, "usd", "month"), ("Current weather", "Community support")),
    Tier(
        *("pro", "Pro", 10_000, 600, Price(1900, "usd", "month")),
        features=("Forecasts for 14 days", "History since 1979", "Support by e-mail"),
        popular=True,
        trial_days=14,
    ),
    Tier(
        "team", "Team", 250_000, 3_000, Price(9900, "usd", "month"), ("Everything in Pro", "Webhooks", "99.9 % uptime")
    ),
    Tier("pro-year", "Pro", 10_000, 600, Price(19_000, "usd", "year"), ("Forecasts for 14 days", "Support by e-mail")),
    Tier("enterprise", "Enterprise", UNLIMITED, UNLIMITED, None, ("A contract of your own", "Support by phone")),
)


@dataclass
class Shop:
    """One developer and their platform."""

    layout: Layout
    http: httpx2.AsyncClient
    email: str
    platform_id: str = ""
    key: str = ""

    def url(self, page: str = "p", query: str = "") -> str:
        """The address of a hosted page of the platform."""
        return f"{self.layout.url('tenant_api')}/{page}/{self.platform_id}{query}"

    async def asked(self, part: str, method: str, path: str, body: Any = None) -> Any:
        """A request of the developer, with a fresh token."""
        token = await self.token(DEVELOPERS, self.email)
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.http.request(method, self.layout.url(part) + path, headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def bridge(self, method: str, path: str, body: Any = None) -> Any:
        return await self.asked("oauth_bridge", method, path, body)

    async def connect(self, business: str) -> None:
        """Through Stripe's consent page, as a browser would go."""
        url = (await self.bridge("GET", "/stripe/authorize"))["url"]
        told = dict(parse_qsl(urlsplit(url).query))
        agreed = told | {"decision": "connect", "account": "new", "business_name": business, "email": self.email}
        back = await self.http.post(url.partition("?")[0], data=agreed)
        done = await self.http.get(back.headers["location"])
        assert done.headers["location"].endswith("?stripe=connected"), done.text

    async def save(self, tiers: Sequence[Tier]) -> None:
        """Save the tiers as the draft."""
        await self.bridge("PUT", "/tiers", {"tiers": [tier.to_json() for tier in tiers]})

    async def publish(self, tiers: Sequence[Tier]) -> None:
        await self.save(tiers)
        await self.bridge("POST", "/tiers/publish")

    async def settings(self, name: str | None, *origins: str) -> None:
        await self.bridge("PUT", "/settings", {"name": name, "origins": list(origins)})

    async def token(self, app: str, email: str) -> str:
        """A token of somebody, as a page of theirs would get it; who is not there yet signs up."""
        answer = await self.http.post(self.layout.url(app) + "/_sandbox/token", json={"email": email, "template": app})
        return str(answer.json()["jwt"])

    async def call(self, email: str) -> httpx2.Response:
        """One metered call of an end-user, with a token of this moment."""
        headers = {"Authorization": f"Bearer {await self.token(END_USERS, email)}"}
        return await self.http.post(self.layout.url("tenant_api") + "/api/data", headers=headers)

    async def metadata(self, email: str) -> Any:
        """What Clerk knows of an end-user, for everybody to see."""
        headers = {"Authorization": f"Bearer {self.layout.secrets().clerk[END_USERS]}"}
        users = self.layout.url(END_USERS) + "/v1/users"
        found = (await self.http.get(users, params={"email_address": email}, headers=headers)).json()
        return found[0]["public_metadata"]


async def opened(
    layout: Layout, http: httpx2.AsyncClient, tiers: Sequence[Tier] = TIERS, name: str | None = NAME, *origins: str
) -> Shop:
    """A developer nobody has seen before, with these tiers on sale; the pages show them when this is over."""
    shop = Shop(layout, http, f"dev-{token_hex(4)}@example.com")
    made = await shop.asked("platform_api", "POST", "/generate-credentials")
    shop.platform_id, shop.key = made["platformId"], made["apiKey"]
    await shop.connect(name or "A developer")
    await shop.settings(name, *origins)
    await shop.publish(tiers)
    while (await http.get(shop.url())).status_code != 200:
        await asyncio.sleep(0.05)
    return shop

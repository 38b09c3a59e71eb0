"""Platforms with tiers on sale in the running product, made as the bridge makes them: items, account and prices."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import boto3
import httpx2
from boto3.dynamodb.types import TypeSerializer

from infra.sandbox.layout import END_USERS, REGION, Layout
from shared.domain import keys
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records import preview, tenant_config
from shared.records.tenant_config import Catalog, PlatformSettings, StripeConnection, StripePrice

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
    """One platform. `secrets` are the product's, for what only its services may do."""

    layout: Layout
    platform_id: str
    key: str
    account: str

    def url(self, page: str = "p", query: str = "") -> str:
        return f"{self.layout.url('tenant_api')}/{page}/{self.platform_id}{query}"

    async def store(self, *items: dict[str, Any]) -> None:
        """Write items of tenant-tokens, with the bridge's rights."""
        await asyncio.to_thread(_put, self.layout, items)

    async def publish(self, tiers: Sequence[Tier], version: int = 1) -> None:
        prices = {tier.name: await self._price(tier) for tier in tiers if tier.price is not None and not tier.free}
        config = TierConfig(tuple(tiers), version)
        item = tenant_config.tier_config_to_item(config, Catalog(self.account, prices))
        await self.store(tenant_config.tier_config_key(self.platform_id) | item)

    async def draft(self, tiers: Sequence[Tier], seconds: float = 3600) -> str:
        """Save a draft; the address of its preview, which ends in so many seconds."""
        key = os.urandom(preview.KEY_BYTES)
        item = preview.draft_key(self.platform_id) | {"tiers": [tier.to_json() for tier in tiers]}
        await self.store(item, preview.preview_key(self.platform_id) | preview.key_to_item(key))
        token = preview.token(key, self.platform_id, int(time.time() + seconds))
        return f"{self.layout.url('tenant_api')}/preview/{token}"

    async def settings(self, name: str | None, *origins: str) -> None:
        item = PlatformSettings(name, origins).to_item()
        await self.store(tenant_config.settings_key(self.platform_id) | item)

    async def call(self, token: str) -> httpx2.Response:
        """One metered call of an end-user."""
        async with httpx2.AsyncClient(trust_env=False) as http:
            url = self.layout.url("tenant_api") + "/api/data"
            return await http.post(url, headers={"Authorization": f"Bearer {token}"})

    async def token(self, email: str) -> str:
        """A token of an end-user, as a page of the platform would get it."""
        asked = {"email": email, "template": END_USERS}
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(self.layout.url(END_USERS) + "/_sandbox/token", json=asked)
        return str(answer.json()["jwt"])

    async def _price(self, tier: Tier) -> StripePrice:
        assert tier.price is not None
        price = {
            "default_price_data[currency]": tier.price.currency,
            "default_price_data[unit_amount]": str(tier.price.amount),
            "default_price_data[recurring][interval]": tier.price.interval,
        }
        made = await _stripe(self.layout, "/v1/products", {"name": tier.display_name} | price, self.account)
        return StripePrice(made["default_price"], made["id"])


async def opened(layout: Layout, tiers: Sequence[Tier] = TIERS, name: str | None = NAME, *origins: str) -> Shop:
    """A platform nobody has seen before, with a connected account and these tiers on sale."""
    shop = Shop(layout, "plt_" + token_hex(16), keys.api_key(os.urandom(keys.RANDOM_BYTES)), "acct_" + token_hex(8))
    account = {"id": shop.account, "business_name": name or "A developer", "connected": True}
    async with httpx2.AsyncClient(trust_env=False) as http:
        (await http.post(layout.url("stripe") + "/_sandbox/accounts", json=account)).raise_for_status()
    connection = StripeConnection(shop.account, livemode=False, connected_at=0)
    await shop.store(
        tenant_config.credential_key(shop.platform_id) | {"platformId": shop.platform_id, "version": 1},
        tenant_config.api_key_key(keys.key_hash(shop.key)) | tenant_config.ApiKey(shop.platform_id).to_item(),
        tenant_config.connection_key(shop.platform_id) | connection.to_item(),
        tenant_config.account_key(shop.account) | {"platformId": shop.platform_id},
    )
    await shop.settings(name, *origins)
    await shop.publish(tiers)
    return shop


async def _stripe(layout: Layout, path: str, data: dict[str, str], account: str) -> Any:
    headers = {"Authorization": f"Bearer {layout.secrets().stripe}", "Stripe-Account": account}
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(layout.url("stripe") + path, data=data, headers=headers)
    answer.raise_for_status()
    return answer.json()


def _put(layout: Layout, items: Sequence[dict[str, Any]]) -> None:
    client = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=layout.url("gate"),
        aws_access_key_id="oauth_bridge",
        aws_secret_access_key=layout.secrets().aws,
    )
    for item in items:
        wire = {name: TypeSerializer().serialize(value) for name, value in item.items()}
        client.put_item(TableName="tenant-tokens", Item=wire)
    client.close()

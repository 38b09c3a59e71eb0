"""Clients of a served tenant_api: a developer's server with a key, and an end-user with a token."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx2

from shared.adapters.dynamodb import Dynamo, put
from shared.domain import keys
from shared.domain.tiers import TierConfig
from shared.records import tenant_config
from shared.settings import ClerkApp
from tenant_api.settings import Settings
from tests.clocks import SetClock
from tests.tokens import Issuer

PAGES = "https://api.example.com"


def settings_for(clerk: ClerkApp, endpoint: str, prefix: str, **changed: Any) -> Settings:
    """Settings as an operator would set them, for one test's tables. Look-ups of keys are not remembered."""
    given = {
        "end_user_clerk": clerk,
        "dynamodb_endpoint": endpoint,
        "table_prefix": prefix,
        "tenant_api_url": PAGES,
        "registration_enabled": True,
        "key_cache_seconds": 0,
    }
    return Settings.model_validate(given | changed)


@dataclass(frozen=True)
class Service:
    """A connection to a served tenant_api, and a way to make platforms in its tables."""

    http: httpx2.AsyncClient
    issuer: Issuer
    clock: SetClock
    dynamo: Dynamo
    tokens_table: str

    @classmethod
    @asynccontextmanager
    async def at(
        cls, address: str, issuer: Issuer, clock: SetClock, dynamo: Dynamo, prefix: str
    ) -> AsyncIterator["Service"]:
        async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=30) as http:
            yield cls(http, issuer, clock, dynamo, prefix + "tenant-tokens")

    async def platform(self, tiers: TierConfig | None = None) -> "Platform":
        """A platform as the bridge would have carried it over, with these tiers published."""
        platform_id, key = "plt_" + token_hex(16), keys.api_key(os.urandom(keys.RANDOM_BYTES))
        await self.store(tenant_config.credential_key(platform_id) | {"platformId": platform_id, "version": 1})
        await self.store_key(key, tenant_config.ApiKey(platform_id))
        if tiers is not None:
            item = tenant_config.tier_config_key(platform_id) | tenant_config.tier_config_to_item(tiers)
            await self.store(item)
        return Platform(self, platform_id, key)

    async def store_key(self, key: str, record: tenant_config.ApiKey) -> None:
        await self.store(tenant_config.api_key_key(keys.key_hash(key)) | record.to_item())

    async def store(self, item: dict[str, Any]) -> None:
        await self.dynamo.write(put(self.tokens_table, item))

    def token(self, platform_id: str | None, user: str = "user_1", **claims: Any) -> str:
        """A token that is good by the service's clock."""
        stated = claims if platform_id is None else {"platformId": platform_id, **claims}
        return self.issuer.token(user, now=self.clock().timestamp(), **stated)

    async def call(
        self, credential: str, headers: Mapping[str, str] | None = None, units: int | None = None
    ) -> httpx2.Response:
        """`POST /api/data`; underscores in header names stand for hyphens."""
        sent = {"Authorization": f"Bearer {credential}"} | _named(headers or {})
        return await self.http.post("/api/data", headers=sent, json=None if units is None else {"units": units})

    async def usage(self, credential: str, **headers: str) -> httpx2.Response:
        """`GET /api/usage`."""
        return await self.http.get("/api/usage", headers={"Authorization": f"Bearer {credential}"} | _named(headers))


@dataclass(frozen=True)
class Platform:
    """A developer's server."""

    service: Service
    platform_id: str
    key: str

    async def call(self, user: str = "alice", units: int | None = None, **headers: str) -> httpx2.Response:
        return await self.service.call(self.key, {"X_User_Id": user, **headers}, units)

    async def count(self, user: str = "alice", **headers: str) -> int:
        answer = await self.service.usage(self.key, X_User_Id=user, **headers)
        count: int = answer.json()["usageCount"]
        return count


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}

"""A developer's client for a served platform_api."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx2
from cryptography.fernet import Fernet

from platform_api.settings import Settings
from shared.settings import ClerkApp
from tests.clocks import SetClock
from tests.tokens import Issuer


def settings_for(clerk: ClerkApp, endpoint: str, prefix: str, **changed: Any) -> Settings:
    """Settings as an operator would set them, for one test's tables."""
    given = {
        "developer_clerk": clerk,
        "credential_keys": Fernet.generate_key().decode(),
        "dynamodb_endpoint": endpoint,
        "table_prefix": prefix,
        "platform_api_url": "https://platform.example.com",
    }
    return Settings.model_validate(given | changed)


@dataclass(frozen=True)
class Service:
    """A connection to a served platform_api, and the developer (`user`) who calls where no other is named."""

    http: httpx2.AsyncClient
    issuer: Issuer
    clock: SetClock
    user: str

    @classmethod
    @asynccontextmanager
    async def at(cls, address: str, issuer: Issuer, clock: SetClock) -> AsyncIterator["Service"]:
        async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=30) as http:
            yield cls(http, issuer, clock, f"user_{token_hex(6)}")

    def token(self, user: str | None = None, **claims: Any) -> str:
        """A token that is good whatever the clock is set to."""
        return self.issuer.token(user or self.user, **{"iat": 0, "nbf": 0, "exp": 4_000_000_000} | claims)

    async def post(
        self,
        path: str,
        user: str | None = None,
        headers: dict[str, str] | None = None,
        *,
        body: Any = None,
        **claims: Any,
    ) -> httpx2.Response:
        """The answer to a developer's POST."""
        sent = {"Authorization": f"Bearer {self.token(user, **claims)}"} | (headers or {})
        return await self.http.post(path, headers=sent, json=body)

    async def get(self, path: str, user: str | None = None, **claims: Any) -> httpx2.Response:
        """The answer to a developer's GET."""
        return await self.http.get(path, headers={"Authorization": f"Bearer {self.token(user, **claims)}"})

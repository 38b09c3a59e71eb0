"""`GET /ready` of each service, with each dependency down on its socket: all are told, and only the store decides."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import oauth_bridge.app
import oauth_bridge.settings
import platform_api.app
import tenant_api.app
from shared.web.health import FRESH_SECONDS
from tests.platform_api.service import settings_for as platform_settings
from tests.serving import serving
from tests.tenant_api.service import settings_for as tenant_settings
from tests.tokens import Issuer

NAMES = ("store", "clerk", "stripe")
KEYS = {"secret_key": "sk_test_1", "webhook_secret": "whsec_1"}


class Outside:
    """A system outside that answers, or is down: then it answers 503. Asked for nothing but whether it is there."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.down = False
        self._status, self._body = status, body
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        # Strangers may cause these requests, so they hold no key of Clerk's or Stripe's; the store's are signed.
        assert "sk_test" not in str(request.headers)
        return JSONResponse({}, 503) if self.down else JSONResponse(self._body, self._status)


def platform(issuer: Issuer, clerk: str, store: str, stripe: str) -> Starlette:
    keys = KEYS | {"api_url": stripe}
    app = issuer.clerk_app(clerk)
    return platform_api.app.build(platform_settings(app, store, "t-", stripe=keys, stripe_price_id="price_1"))


def tenant(issuer: Issuer, clerk: str, store: str, stripe: str) -> Starlette:
    keys = KEYS | {"api_url": stripe}
    return tenant_api.app.build(tenant_settings(issuer.clerk_app(clerk), store, "t-", tenant_stripe=keys))


def bridge(issuer: Issuer, clerk: str, store: str, stripe: str) -> Starlette:
    given: dict[str, Any] = {
        "developer_clerk": issuer.clerk_app(clerk),
        "dynamodb_endpoint": store,
        "table_prefix": "t-",
        "connect": {"secret_key": "sk_test_1", "client_id": "ca_1", "api_url": stripe},
        "sync_poll_seconds": 5,
    }
    return oauth_bridge.app.build(oauth_bridge.settings.Settings.model_validate(given))


@pytest.mark.parametrize("build", [platform, tenant, bridge])
async def test_what_is_down_is_told_and_only_the_store_decides(build: Callable[..., Starlette]) -> None:
    clerk, stripe, store = Outside(200, {"keys": []}), Outside(401, {"error": {}}), Outside(200, {"Items": []})
    async with serving(clerk.app) as at_clerk, serving(stripe.app) as at_stripe, serving(store.app) as at_store:
        app = build(Issuer(), at_clerk, at_store, at_stripe)
        async with serving(app) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as http:
            answer = await http.get("/ready")
            assert answer.json() == {"status": "ready", "dependencies": dict.fromkeys(NAMES, "up")}
            clerk.down = stripe.down = True
            await asyncio.sleep(FRESH_SECONDS)
            answer = await http.get("/ready")
            assert (answer.status_code, answer.json()["dependencies"]) == (200, told(clerk="down", stripe="down"))
            clerk.down, stripe.down, store.down = False, False, True
            await asyncio.sleep(FRESH_SECONDS)
            answer = await http.get("/ready")
            assert (answer.status_code, answer.json()["dependencies"]) == (503, told(store="down"))
            assert (answer.json()["error"], answer.json()["down"]) == ("unavailable", ["store"])
            assert (await http.get("/health")).status_code == 200


def told(**states: str) -> dict[str, str]:
    return dict.fromkeys(NAMES, "up") | states

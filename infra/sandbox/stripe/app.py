"""The stand-in as one ASGI app: the API, Connect, the hosted pages and the sandbox's controls on one screen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.sandbox.stripe.api import Api
from infra.sandbox.stripe.checkout_page import CheckoutPage
from infra.sandbox.stripe.config import Config
from infra.sandbox.stripe.consent_page import ConsentPage
from infra.sandbox.stripe.control import Control
from infra.sandbox.stripe.courier import Courier
from infra.sandbox.stripe.oauth import OAuthApi
from infra.sandbox.stripe.portal_page import PortalPage
from infra.sandbox.stripe.world import World

TICK_SECONDS = 0.5


def create_app(state: Path | str, config: Config | None = None) -> Starlette:
    """An app over a state file; the file is opened now and closed when the app's lifespan ends."""
    world = World(state, config or Config())
    courier = Courier(world.store, world.config, world.outbox, world.sky)
    oauth, consent = OAuthApi(world), ConsentPage(world)
    checkout, portal = CheckoutPage(world), PortalPage(world)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(courier.run()), asyncio.create_task(_tick(world))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await courier.close()
            world.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/v1/{path:path}", Api(world).answer, methods=["GET", "POST", "DELETE"]),
            Route("/oauth/authorize", consent.get, methods=["GET"]),
            Route("/oauth/authorize", consent.post, methods=["POST"]),
            Route("/oauth/token", oauth.token, methods=["POST"]),
            Route("/oauth/deauthorize", oauth.deauthorize, methods=["POST"]),
            Route("/c/pay/{id}", checkout.get, methods=["GET"]),
            Route("/c/pay/{id}", checkout.post, methods=["POST"]),
            Route("/p/session/{id}", portal.get, methods=["GET"]),
            Route("/p/session/{id}", portal.post, methods=["POST"]),
            Route("/health", _health, methods=["GET"]),
            *Control(world, courier).routes(),
        ],
    )


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _tick(world: World) -> None:
    """Real time passes too: a checkout left open expires without anybody advancing the clock."""
    while True:
        world.catch_up()
        await asyncio.sleep(TICK_SECONDS)

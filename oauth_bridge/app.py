"""The bridge on one screen: every route, every middleware (outermost first), and the worker that runs beside them.

Built by __main__ once a process, and by tests with a clock of their own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from oauth_bridge.deps import Deps, opened
from oauth_bridge.description import OPERATIONS, SCHEMES, TITLE
from oauth_bridge.routes import connections, github, readiness, stripe, tiers
from oauth_bridge.routes import settings as profile
from oauth_bridge.settings import Settings
from shared.adapters.system import Clock, utc_now
from shared.adapters.tracing import Traces
from shared.web.errors import LastResort, exception_handlers
from shared.web.guard import Admission, Guard
from shared.web.health import health
from shared.web.log import RequestLog
from shared.web.openapi import described


class State(TypedDict):
    """What each request finds in `request.state`."""

    deps: Deps
    traces: Traces | None


def build(settings: Settings, clock: Clock = utc_now) -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with opened(settings, clock) as deps:
            worker = asyncio.create_task(deps.worker.run())
            try:
                yield {"deps": deps, "traces": deps.traces}
            finally:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)

    routes = [
        Route("/tiers", tiers.Draft),  # GET, PUT
        Route("/tiers/publish", tiers.publish, methods=["POST"]),
        Route("/tiers/history", tiers.history, methods=["GET"]),
        Route("/tiers/rollback", tiers.rollback, methods=["POST"]),
        Route("/tiers/preview", tiers.preview, methods=["POST"]),
        Route("/tiers/preview/revoke", tiers.revoke_previews, methods=["POST"]),
        Route("/settings", profile.Settings),  # GET, PUT
        Route("/connections", connections.connections, methods=["GET"]),
        Route("/stripe/authorize", stripe.authorize, methods=["GET"]),
        Route("/stripe/callback", stripe.callback, methods=["GET"]),
        Route("/stripe/disconnect", stripe.disconnect, methods=["POST"]),
        Route("/github/authorize", github.authorize, methods=["GET"]),
        Route("/github/callback", github.callback, methods=["GET"]),
        Route("/github/unlink", github.unlink, methods=["POST"]),
        Route("/health", health(settings.commit), methods=["GET"]),
        Route("/ready", readiness.ready, methods=["GET"]),
        *described(TITLE, OPERATIONS, SCHEMES),  # /openapi.json, /docs
    ]
    middleware = [
        Middleware(RequestLog, service="oauth_bridge"),
        Middleware(
            CORSMiddleware,
            allow_origins=[settings.platform_api_url],
            allow_methods=["GET", "PUT", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
            allow_credentials=True,  # the cookie of a handshake
            expose_headers=["Retry-After", "X-Request-Id"],
        ),
        Middleware(Guard, admission=Admission(settings)),
        Middleware(LastResort),
    ]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=exception_handlers, lifespan=lifespan)
    app.router.redirect_slashes = False  # an address that is not listed is a 404 in our shape, never a redirect
    return app

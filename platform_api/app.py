"""platform_api on one screen: every route, every middleware, outermost first.

Built by __main__ once a process, and by tests with a clock of their own.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from platform_api.deps import Deps, opened
from platform_api.description import OPERATIONS, SCHEMES, TITLE
from platform_api.reconcile import reconciling
from platform_api.routes import billing, credentials, leaks, readiness, usage
from platform_api.routes.pages import Pages
from platform_api.settings import Settings
from shared.adapters.system import Clock, utc_now
from shared.adapters.tracing import Traces
from shared.web.errors import LastResort, exception_handlers
from shared.web.guard import Admission, Guard
from shared.web.health import health
from shared.web.log import RequestLog
from shared.web.openapi import described
from shared.web.straight import Straight


class State(TypedDict):
    """What each request finds in `request.state`."""

    deps: Deps
    traces: Traces | None


def build(settings: Settings, clock: Clock = utc_now, *, started: Callable[[], object] = lambda: None) -> Starlette:
    """`started` is called once the service has all that it needs, before its first request."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with opened(settings, clock) as deps, reconciling(deps.billing, settings.reconcile_seconds):
            started()
            yield {"deps": deps, "traces": deps.traces}

    pages = Pages(settings)
    routes = [
        Route("/", pages.landing, methods=["GET"]),
        Route("/dashboard", pages.dashboard, methods=["GET"]),
        Route("/static/{version}/{file:path}", pages.files.serve, methods=["GET"]),
        Route("/verify-auth", usage.verify_auth, methods=["POST"]),
        Route("/usage", usage.standing, methods=["GET"]),
        Route("/generate-credentials", credentials.generate, methods=["POST"]),
        Route("/get-credentials", credentials.get, methods=["GET"]),
        Route("/rotate-credentials", credentials.rotate, methods=["POST"]),
        Route("/revoke-credentials", credentials.revoke, methods=["POST"]),
        Route("/leaks", leaks.show, methods=["GET"]),
        Route("/set-leak-policy", leaks.set_policy, methods=["POST"]),
        Route("/dismiss-leak", leaks.dismiss, methods=["POST"]),
        Route("/webhook/secret-scanning", leaks.webhook, methods=["POST"]),
        Route("/create-checkout", billing.create_checkout, methods=["POST"]),
        Route("/customer-portal", billing.customer_portal, methods=["POST"]),
        Route("/webhook/stripe", billing.webhook, methods=["POST"]),
        Route("/health", health(settings.commit), methods=["GET"]),
        Route("/ready", readiness.ready, methods=["GET"]),
        *described(TITLE, OPERATIONS, SCHEMES),  # /openapi.json, /docs
    ]
    admission = Admission(settings)
    middleware = [
        Middleware(
            Straight, service="platform_api", path="/verify-auth", endpoint=usage.verify_auth, admission=admission
        ),
        Middleware(RequestLog, service="platform_api"),
        Middleware(
            CORSMiddleware,
            allow_origins=[settings.platform_api_url],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
            expose_headers=["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "Idempotent-Replayed"],
        ),
        Middleware(Guard, admission=admission),
        Middleware(LastResort),
    ]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=exception_handlers, lifespan=lifespan)
    app.router.redirect_slashes = False  # an address that is not listed is a 404 in our shape, never a redirect
    return app

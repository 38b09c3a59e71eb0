"""tenant_api on one screen: every route, every middleware, outermost first.

Built by __main__ once a process, and by tests with a clock of their own.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from shared.adapters.system import Clock, utc_now
from shared.adapters.tracing import Traces
from shared.web.errors import LastResort, exception_handlers
from shared.web.guard import Admission, Guard
from shared.web.health import health
from shared.web.log import RequestLog
from shared.web.openapi import described
from shared.web.origins import AnyOrigin
from shared.web.straight import Straight
from tenant_api.deps import Deps, opened
from tenant_api.description import OPERATIONS, SCHEMES, TITLE
from tenant_api.reconcile import reconciling
from tenant_api.recount import recounting
from tenant_api.routes import billing, deliveries, developers, insights, pages, readiness, signup, tiers, usage
from tenant_api.settings import Settings


class State(TypedDict):
    """What each request finds in `request.state`."""

    deps: Deps
    traces: Traces | None


@asynccontextmanager
async def repairing(deps: Deps, settings: Settings) -> AsyncIterator[None]:
    """What heals itself beside the requests: billing, and the figures of killed processes."""
    async with reconciling(deps.billing, settings.reconcile_seconds), recounting(deps.recount):
        yield


# Credentials travel in headers a page must add itself, never in cookies: any origin may ask.
_FOR_ANY_PAGE = Middleware(
    AnyOrigin,
    allow_origins=["*"],
    allow_methods=["GET", "POST"],
    allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-User-Id", "X-User-Plan", "X-Request-Id"],
    expose_headers=["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "Idempotent-Replayed"],
)


def build(settings: Settings, clock: Clock = utc_now, *, started: Callable[[], object] = lambda: None) -> Starlette:
    """`started` is called once the service has all that it needs, before its first request."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with opened(settings, clock) as deps, repairing(deps, settings):
            started()
            yield {"deps": deps, "traces": deps.traces}

    routes = [
        Route("/api/data", usage.data, methods=["POST"]),
        Route("/api/usage", usage.standing, methods=["GET"]),
        Route("/api/tiers", tiers.published, methods=["GET"]),
        Route("/api/developer/register", developers.register, methods=["POST"]),
        Route("/api/signup", signup.signup, methods=["POST"]),
        Route("/api/developer/dashboard", insights.dashboard, methods=["GET"]),
        Route("/api/developer/customers", insights.customers, methods=["GET"]),
        Route("/api/developer/customer", insights.customer, methods=["GET"]),
        Route("/api/developer/events", deliveries.listed, methods=["GET"]),
        Route("/api/developer/events/replay", deliveries.replay, methods=["POST"]),
        Route("/api/create-checkout", billing.create_checkout, methods=["POST"]),
        Route("/api/customer-portal", billing.customer_portal, methods=["POST"]),
        Route("/webhook/stripe", billing.webhook, methods=["POST"]),
        Route("/p/{platformId}", pages.pricing, methods=["GET"]),
        Route("/preview/{token}", pages.preview, methods=["GET"]),
        Route("/signup/{platformId}", pages.signup, methods=["GET"]),
        Route("/welcome/{platformId}", pages.welcome, methods=["GET"]),
        Route("/pages/{version}/{file:path}", pages.file, methods=["GET"]),
        Route("/health", health(settings.commit), methods=["GET"]),
        Route("/ready", readiness.ready, methods=["GET"]),
        *described(TITLE, OPERATIONS, SCHEMES),  # /openapi.json, /docs
    ]
    admission = Admission(settings)
    middleware = [
        Middleware(Straight, "tenant_api", "/api/data", usage.data, admission, at_once=usage.data_at_once),
        Middleware(RequestLog, service="tenant_api"),
        _FOR_ANY_PAGE,
        Middleware(Guard, admission=admission),
        Middleware(LastResort),
    ]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=exception_handlers, lifespan=lifespan)
    app.router.redirect_slashes = False  # an address that is not listed is a 404 in our shape, never a redirect
    return app

"""`GET /ready`: the store decides. Clerk and Stripe are reported: without them calls are still counted."""

from starlette.requests import Request
from starlette.responses import Response

from platform_api.routes.caller import deps_of


async def ready(request: Request) -> Response:
    return await deps_of(request).readiness.answer()

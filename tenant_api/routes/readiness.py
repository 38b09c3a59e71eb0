"""`GET /ready`: whether the store answers. Clerk is not asked: known tokens are served without it."""

from starlette.requests import Request
from starlette.responses import Response

from shared.web import health
from tenant_api.routes.caller import deps_of


async def ready(request: Request) -> Response:
    return await health.ready({"store": deps_of(request).reach_store})

"""`GET /ready`: whether the store answers for both tables. `GET /health` is the shared one, straight in app.py."""

from starlette.requests import Request
from starlette.responses import Response

from oauth_bridge.deps import Deps
from shared.web import health


async def ready(request: Request) -> Response:
    deps: Deps = request.state.deps
    return await health.ready({"store": deps.reach_store})

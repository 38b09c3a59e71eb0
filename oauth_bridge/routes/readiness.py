"""`GET /ready`: the store decides, for both tables. Clerk and Stripe are reported: without them keys are still carried
over. `GET /health` is the shared one, straight in app.py.
"""

from starlette.requests import Request
from starlette.responses import Response

from oauth_bridge.deps import Deps


async def ready(request: Request) -> Response:
    deps: Deps = request.state.deps
    return await deps.readiness.answer()

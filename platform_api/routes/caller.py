"""What every route starts with: what serves it, and which developer calls. Called by the other routes only."""

from starlette.requests import Request

from platform_api.deps import Deps
from shared.domain.principal import Developer
from shared.web.auth import bearer
from shared.web.log import note


def deps_of(request: Request) -> Deps:
    found: Deps = request.scope["state"]["deps"]
    return found


async def developer_of(request: Request) -> Developer:
    """The developer whose token the request carries, noted for the log; Unauthenticated without a good one."""
    developer = await deps_of(request).authentication.developer(bearer(request))
    note(request.scope, userId=developer.user_id)
    return developer

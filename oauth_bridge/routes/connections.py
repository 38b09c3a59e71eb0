"""`GET /connections`: what the platform is connected to. The answers of routes/stripe.py and routes/github.py too."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from oauth_bridge.connections import Connected
from oauth_bridge.deps import Deps
from shared.domain.periods import timestamp
from shared.domain.principal import Developer
from shared.web.log import note


async def connections(request: Request) -> Response:
    deps: Deps = request.state.deps
    return await answer(request, await deps.authentication.developer(request))


async def answer(request: Request, developer: Developer) -> Response:
    """The connections as they are now."""
    deps: Deps = request.state.deps
    connected = await deps.connections.of(developer)
    note(request.scope, platformId=connected.platform_id)
    return JSONResponse(
        {"platformId": connected.platform_id, "stripe": _stripe(connected), "github": _github(connected)}
    )


def _stripe(connected: Connected) -> dict[str, object]:
    account = connected.account
    return {
        "available": connected.offered.stripe,
        "status": connected.stripe_status,
        "accountId": None if account is None else account.account_id,
        "livemode": None if account is None else account.livemode,
        "connectedAt": None if account is None else timestamp(datetime.fromtimestamp(account.connected_at, UTC)),
    }


def _github(connected: Connected) -> dict[str, object]:
    link = connected.github
    return {
        "available": connected.offered.github,
        "linked": link is not None,
        "id": None if link is None else link.id,
        "login": None if link is None else link.login,
        "linkedAt": None if link is None else link.linked_at,
    }

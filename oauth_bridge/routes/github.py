"""Linking a GitHub identity over HTTP: `GET /github/authorize`, `GET /github/callback`, `POST /github/unlink`.

As in routes/stripe.py, `authorize` is fetched by the dashboard, and the callback brings no token.
"""

from starlette.requests import Request
from starlette.responses import Response

from oauth_bridge.deps import Deps
from oauth_bridge.github import PROVIDER, GitHubLinking
from oauth_bridge.routes.connections import answer
from shared.domain.errors import Conflict, Unavailable
from shared.web.log import note


async def authorize(request: Request) -> Response:
    deps: Deps = request.state.deps
    developer = await deps.authentication.developer(request)
    return deps.browser.sent_away(PROVIDER, await _github(deps).begin(developer))


async def callback(request: Request) -> Response:
    deps: Deps = request.state.deps
    given = deps.browser.returned(PROVIDER, request)
    issuers = request.query_params.getlist("iss")
    try:
        outcome = await _github(deps).finish(given.state, given.browser, given.code, given.error, issuers)
    except (Conflict, Unavailable):
        outcome = "failed"  # a person is looking: they get the dashboard, never a page of JSON
    note(request.scope, outcome=outcome)
    return deps.browser.back(PROVIDER, outcome)


async def unlink(request: Request) -> Response:
    deps: Deps = request.state.deps
    developer = await deps.authentication.developer(request)
    await deps.connections.unlink_github(developer)
    return await answer(request, developer)


def _github(deps: Deps) -> GitHubLinking:
    if deps.github is None:
        raise Conflict(
            "Linking GitHub is not set up here; the operator sets GITHUB__CLIENT_ID and GITHUB__CLIENT_SECRET.",
            reason="not_available",
        )
    return deps.github

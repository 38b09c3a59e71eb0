"""Connecting a Stripe account over HTTP: `GET /stripe/authorize`, `GET /stripe/callback`, `POST /stripe/disconnect`.

`authorize` is fetched by the dashboard, because a token must never be part of an address; the page then goes where
the answer says. The callback is where Stripe leads the browser: no token comes there, only a state and our cookie.
"""

from starlette.requests import Request
from starlette.responses import Response

from oauth_bridge.connect import PROVIDER, Connect
from oauth_bridge.deps import Deps
from oauth_bridge.routes.connections import answer
from shared.domain.errors import Conflict, Unavailable
from shared.web.log import note


async def authorize(request: Request) -> Response:
    deps: Deps = request.state.deps
    developer = await deps.authentication.developer(request)
    return deps.browser.sent_away(PROVIDER, await _connect(deps).begin(developer))


async def callback(request: Request) -> Response:
    deps: Deps = request.state.deps
    given = deps.browser.returned(PROVIDER, request)
    try:
        outcome = await _connect(deps).finish(given.state, given.browser, given.code, given.error)
    except (Conflict, Unavailable):
        outcome = "failed"  # a person is looking: they get the dashboard, never a page of JSON
    note(request.scope, outcome=outcome)
    return deps.browser.back(PROVIDER, outcome)


async def disconnect(request: Request) -> Response:
    deps: Deps = request.state.deps
    developer = await deps.authentication.developer(request)
    await _connect(deps).disconnect(developer)
    return await answer(request, developer)


def _connect(deps: Deps) -> Connect:
    if deps.connect is None:
        raise Conflict(
            "Connecting Stripe is not set up here; the operator sets CONNECT__SECRET_KEY and CONNECT__CLIENT_ID.",
            reason="not_available",
        )
    return deps.connect

"""A developer's tiers over HTTP: what there is, a new draft, publishing it, going back, and links to preview it.

Called by app.py's route table alone.
"""

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from oauth_bridge.deps import Deps
from oauth_bridge.tiers import TierState
from shared.domain.errors import BadRequest
from shared.domain.periods import timestamp
from shared.domain.tiers import DEFAULT_RATE_PER_MINUTE, Tier
from shared.web.body import Body, json_body
from shared.web.log import note

MAX_VERSION_DIGITS = 8


class PriceBody(Body):
    amount: int
    currency: str
    interval: str


class TierBody(Body):
    """One tier; a price of null means that the developer's server grants it."""

    model_config = ConfigDict(alias_generator=to_camel)

    name: str
    display_name: str
    limit: int
    rate_limit_per_minute: int = DEFAULT_RATE_PER_MINUTE
    price: PriceBody | None = None
    features: tuple[str, ...] = ()
    popular: bool = False
    trial_days: int = 0


class TiersBody(Body):
    tiers: list[TierBody]


class RollbackBody(Body):
    version: int


class Draft(HTTPEndpoint):
    """`GET /tiers` and `PUT /tiers`: one endpoint, so that a 405 lists both."""

    async def get(self, request: Request) -> Response:
        deps: Deps = request.state.deps
        developer = await deps.authentication.developer(request)
        return _answer(request, await deps.tiers.state(developer))

    async def put(self, request: Request) -> Response:
        deps: Deps = request.state.deps
        developer = await deps.authentication.developer(request)
        body = await json_body(request, TiersBody)
        tiers = [Tier.from_json(tier.model_dump(by_alias=True)) for tier in body.tiers]
        return _answer(request, await deps.tiers.save_draft(developer, tiers))


async def publish(request: Request) -> Response:
    deps: Deps = request.state.deps
    developer = await deps.authentication.developer(request)
    return _answer(request, await deps.tiers.publish(developer))


async def rollback(request: Request) -> Response:
    deps: Deps = request.state.deps
    developer = await deps.authentication.developer(request)
    body = await json_body(request, RollbackBody)
    return _answer(request, await deps.tiers.rollback(developer, body.version))


async def history(request: Request) -> Response:
    deps: Deps = request.state.deps
    developer = await deps.authentication.developer(request)
    versions = await deps.tiers.history(developer, _before(request))
    told = [
        {
            "version": one.version,
            "tiers": [tier.to_json() for tier in one.tiers],
            "publishedBy": one.published_by,
            "publishedAt": one.published_at,
        }
        for one in versions
    ]
    more = bool(versions) and versions[-1].version > 1
    return JSONResponse({"versions": told, "next": versions[-1].version if more else None})


async def preview(request: Request) -> Response:
    deps: Deps = request.state.deps
    made = await deps.previews.make(await deps.authentication.developer(request))
    return JSONResponse({"url": made.url, "expiresAt": timestamp(made.expires_at)})


async def revoke_previews(request: Request) -> Response:
    deps: Deps = request.state.deps
    await deps.previews.revoke(await deps.authentication.developer(request))
    return JSONResponse({"revoked": True})


def _before(request: Request) -> int | None:
    given = request.query_params.get("before")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and 1 <= len(given) <= MAX_VERSION_DIGITS):
        raise BadRequest("before is a version number, such as the `next` of the page before.", field="before")
    return int(given)


def _answer(request: Request, state: TierState) -> Response:
    note(request.scope, platformId=state.platform_id, tierVersion=state.published.config.version)
    return JSONResponse(
        {
            "platformId": state.platform_id,
            "draft": {"tiers": [tier.to_json() for tier in state.draft]},
            "published": {
                "version": state.published.config.version,
                "tiers": [tier.to_json() for tier in state.published.config.tiers],
            },
        }
    )

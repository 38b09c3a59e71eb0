"""A developer's tiers over HTTP: what there is, a new draft, publishing it. Called by app.py's route table alone."""

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from oauth_bridge.deps import Deps
from oauth_bridge.tiers import TierState
from shared.domain.tiers import DEFAULT_RATE_PER_MINUTE, Tier
from shared.web.body import Body, json_body
from shared.web.log import note


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


def _answer(request: Request, state: TierState) -> Response:
    note(request.scope, platformId=state.platform_id, tierVersion=state.published.version)
    return JSONResponse(
        {
            "platformId": state.platform_id,
            "draft": {"tiers": [tier.to_json() for tier in state.draft]},
            "published": {
                "version": state.published.version,
                "tiers": [tier.to_json() for tier in state.published.tiers],
            },
        }
    )

"""`GET /api/developer/events` and `POST /api/developer/events/replay`: Stripe's events of a platform, by its key."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.web.body import Body, json_body
from shared.web.log import note
from tenant_api.routes.caller import deps_of, number_of, platform_of, text_of

MOST = 100


class Replay(Body):
    """Which event is to be worked on again."""

    event_id: str = Field(alias="eventId", min_length=1, max_length=255)


async def listed(request: Request) -> Response:
    platform = await platform_of(request)
    limit = number_of(request, "limit", 50, MOST)
    page = await deps_of(request).dashboard.deliveries.page(platform.platform_id, text_of(request, "cursor"), limit)
    return JSONResponse(page)


async def replay(request: Request) -> Response:
    platform = await platform_of(request)
    body = await json_body(request, Replay)
    row = await deps_of(request).dashboard.deliveries.replay(platform.platform_id, body.event_id)
    note(request.scope, eventId=row["id"], outcome=row["outcome"])
    return JSONResponse(row)

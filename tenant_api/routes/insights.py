"""`GET /api/developer/dashboard`, `/customers` and `/customer`: a platform's figures and end-users, by its key."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.errors import BadRequest
from tenant_api.end_user_lists import MOST_LISTED, Wanted
from tenant_api.routes.caller import deps_of, number_of, platform_of, text_of

SORTS = {"usage": True, "name": False}


async def dashboard(request: Request) -> Response:
    platform = await platform_of(request)
    return JSONResponse(await deps_of(request).dashboard.insights.dashboard(platform.platform_id))


async def customers(request: Request) -> Response:
    platform = await platform_of(request)
    sort = text_of(request, "sort") or "usage"
    if sort not in SORTS:
        raise BadRequest("sort is usage or name.", field="sort")
    wanted = Wanted(
        by_use=SORTS[sort],
        prefix=text_of(request, "q") or "",
        tier=text_of(request, "tier"),
        status=text_of(request, "status"),
        limit=number_of(request, "limit", 50, MOST_LISTED),
    )
    page = await deps_of(request).dashboard.lists.page(platform.platform_id, wanted, text_of(request, "cursor"))
    customers = [one.to_json() for one in page.views]
    return JSONResponse({"customers": customers, "next": page.next, "cutShort": page.cut_short})


async def customer(request: Request) -> Response:
    platform = await platform_of(request)
    user_id = text_of(request, "userId")
    if user_id is None:
        raise BadRequest("userId is missing; say whose page it is.", field="userId")
    detail = await deps_of(request).dashboard.end_users.detail(platform.platform_id, user_id)
    return JSONResponse(detail.to_json())

"""`POST /verify-auth` counts one call of the developer; `GET /usage` shows where the developer stands."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from platform_api.routes.caller import deps_of, developer_of
from shared.web.body import raw_body
from shared.web.limits import limit_headers, usage_json
from shared.web.metered import idempotency, refused, told


async def verify_auth(request: Request) -> Response:
    deps = deps_of(request)
    developer = await developer_of(request)
    counted = await deps.usage.count(developer, idempotency(request, await raw_body(request)))
    decision, now = counted.decision, deps.clock()
    headers = told(request.scope, counted, now)
    error = deps.usage.refusal(decision)
    if error is not None:
        raise refused(error, decision, now, headers)
    usage = usage_json(decision)
    body = {"success": True, "userId": developer.user_id, "plan": usage["plan"], "usage": usage}
    return JSONResponse(body, headers=headers)


async def standing(request: Request) -> Response:
    deps = deps_of(request)
    developer = await developer_of(request)
    found = await deps.usage.standing(developer)
    usage = usage_json(found)
    body = {"userId": developer.user_id, "plan": usage.pop("plan"), "usageCount": usage.pop("count"), **usage}
    return JSONResponse(body, headers=limit_headers(found, deps.clock()))

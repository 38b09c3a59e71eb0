"""`POST /api/data` counts one call of an end-user; `GET /api/usage` shows where they stand. By key or token."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from shared.domain.quota import MAX_UNITS
from shared.web.answers import JsonAnswer
from shared.web.body import Body, parsed, raw_body
from shared.web.errors import error_answer
from shared.web.limits import limit_headers, usage_json
from shared.web.metered import idempotency, refused, told
from tenant_api.routes.caller import deps_of, end_user_of


class Call(Body):
    """The body of a metered call."""

    units: int = Field(default=1, ge=1, le=MAX_UNITS)


async def data(request: Request) -> Response:
    deps = deps_of(request)
    end_user = await end_user_of(request)
    raw = await raw_body(request)
    units = parsed(raw, Call).units if raw else 1
    counted = await deps.usage.count(end_user, units, idempotency(request, raw))
    decision, now = counted.decision, deps.clock()
    headers = told(request, counted, now)
    error = deps.usage.refusal(end_user, units, decision)
    if error is not None:
        return error_answer(request, refused(error, decision, now, headers))
    return JsonAnswer({"success": True, "usage": usage_json(decision)}, headers=headers)


async def standing(request: Request) -> Response:
    deps = deps_of(request)
    end_user = await end_user_of(request)
    found = await deps.usage.standing(end_user)
    usage = usage_json(found)
    body = {"userId": end_user.user_id, "plan": usage.pop("plan"), "usageCount": usage.pop("count"), **usage}
    return JsonAnswer(body, headers=limit_headers(found, deps.clock()))

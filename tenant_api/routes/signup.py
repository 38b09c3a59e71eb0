"""`POST /api/signup`: whoever is signed in to the end-users' Clerk app joins a platform."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.web.auth import bearer
from shared.web.body import Body, json_body
from shared.web.log import note
from tenant_api.routes.caller import deps_of


class SignupBody(Body):
    """Which platform."""

    platform_id: str = Field(alias="platformId", max_length=64)


async def signup(request: Request) -> Response:
    deps = deps_of(request)
    claims = await deps.authentication.person(bearer(request))
    body = await json_body(request, SignupBody)
    note(request.scope, userId=claims["sub"], platformId=body.platform_id)
    joined = await deps.joining.join(claims, body.platform_id)
    return JSONResponse({"platformId": joined.platform_id, "plan": joined.plan})

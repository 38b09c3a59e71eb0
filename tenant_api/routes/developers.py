"""`POST /api/developer/register`: a developer without the platform. Open to everybody, limited per address."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.periods import timestamp
from shared.web.address import address_of
from shared.web.body import Body, json_body
from shared.web.log import note
from tenant_api.routes.caller import deps_of


class Registration(Body):
    """Who registers."""

    email: str


async def register(request: Request) -> Response:
    body = await json_body(request, Registration)
    made = await deps_of(request).developers.register(body.email, address_of(request.scope))
    note(request.scope, platformId=made.platform_id)
    answer = {"platformId": made.platform_id, "apiKey": made.api_key, "createdAt": timestamp(made.created_at)}
    return JSONResponse(answer, 201)

"""`GET /settings` and `PUT /settings`: a platform's name, and the pages that its end-users may be returned to."""

from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from oauth_bridge.deps import Deps
from shared.records.tenant_config import PlatformSettings
from shared.web.body import Body, json_body


class SettingsBody(Body):
    """Both replace what was."""

    name: str | None
    origins: list[str]


class Settings(HTTPEndpoint):
    """One endpoint, so that a 405 lists both methods."""

    async def get(self, request: Request) -> Response:
        deps: Deps = request.state.deps
        return _answer(await deps.profile.read(await deps.authentication.developer(request)))

    async def put(self, request: Request) -> Response:
        deps: Deps = request.state.deps
        developer = await deps.authentication.developer(request)
        body = await json_body(request, SettingsBody)
        return _answer(await deps.profile.write(developer, body.name, body.origins))


def _answer(settings: PlatformSettings) -> Response:
    return JSONResponse({"name": settings.name, "origins": list(settings.origins)})

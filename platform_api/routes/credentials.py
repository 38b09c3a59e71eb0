"""The developer's credentials over HTTP.

`POST /generate-credentials` answers `{platformId, apiKey}`. The other three answer
`{platformId, apiKey, createdAt, rotatedAt?, previousKeyValidUntil?, revokedAt?}`. Revoked credentials are not missing:
they are a 200 with `apiKey` null and `revokedAt`, because the platform stays and can get a new key; a developer who
never had any gets a 404 from all but generate. `GET /get-credentials?orNone=true`, for pages that can't know, says so
with a 200 whose `platformId` and `apiKey` are null.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from platform_api.credential import MOST_OVERLAP_HOURS
from platform_api.credentials import Shown
from platform_api.routes.caller import deps_of, developer_of
from shared.domain.errors import NotFound
from shared.domain.periods import timestamp
from shared.web.body import Body, json_body
from shared.web.log import note


class Rotation(Body):
    """How long the key that is rotated away stays good; without it, as long as the settings say."""

    overlap_hours: int | None = Field(default=None, alias="overlapHours", ge=0, le=MOST_OVERLAP_HOURS)


async def generate(request: Request) -> Response:
    developer = await developer_of(request)
    await json_body(request, Body)
    shown = await deps_of(request).credentials.generate(developer.user_id)
    _note(request, shown)
    return JSONResponse({"platformId": shown.credential.platform_id, "apiKey": shown.api_key})


async def get(request: Request) -> Response:
    developer = await developer_of(request)
    try:
        return _answer(request, await deps_of(request).credentials.get(developer.user_id))
    except NotFound:
        if request.query_params.get("orNone") != "true":
            raise
        return JSONResponse({"platformId": None, "apiKey": None})


async def rotate(request: Request) -> Response:
    deps = deps_of(request)
    developer = await developer_of(request)
    hours = (await json_body(request, Rotation)).overlap_hours
    overlap = deps.rotation_overlap if hours is None else timedelta(hours=hours)
    return _answer(request, await deps.credentials.rotate(developer.user_id, overlap))


async def revoke(request: Request) -> Response:
    developer = await developer_of(request)
    await json_body(request, Body)
    return _answer(request, await deps_of(request).credentials.revoke(developer.user_id))


def _answer(request: Request, shown: Shown) -> Response:
    _note(request, shown)
    return JSONResponse(_json(shown, deps_of(request).clock()))


def _note(request: Request, shown: Shown) -> None:
    note(request.scope, platformId=shown.credential.platform_id, version=shown.credential.state.version)


def _json(shown: Shown, now: datetime) -> dict[str, Any]:
    credential, until = shown.credential, shown.credential.previous_until(now)
    optional = {
        "rotatedAt": credential.rotated_at,
        "previousKeyValidUntil": None if until is None else timestamp(datetime.fromtimestamp(until, UTC)),
        "revokedAt": credential.revoked_at,
    }
    present = {name: value for name, value in optional.items() if value is not None}
    return {
        "platformId": credential.platform_id,
        "apiKey": shown.api_key,
        "createdAt": credential.created_at,
        **present,
    }

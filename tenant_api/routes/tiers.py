"""`GET /api/tiers?platformId=`: what a platform sells. Open to everybody."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tenant_api.routes.caller import deps_of


async def published(request: Request) -> Response:
    platform_id = request.query_params.get("platformId", "")
    config = await deps_of(request).tiers.published(platform_id)
    tiers = [tier.to_json() for tier in config.tiers]
    return JSONResponse({"platformId": platform_id, "version": config.version, "tiers": tiers})

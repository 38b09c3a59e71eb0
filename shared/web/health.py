"""`GET /health` (this process runs) and `GET /ready` (what it depends on answers); open to everybody, say no more."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.errors import Unavailable

Check = Callable[[], Awaitable[object]]


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def ready(checks: dict[str, Check]) -> Response:
    """200 when every check passes, else 503 that names the dependencies that are down."""
    down = []
    for name, check in checks.items():
        try:
            await check()
        except Unavailable:
            down.append(name)
    if down:
        return JSONResponse({"status": "unavailable", "down": down}, 503, headers={"Retry-After": "2"})
    return JSONResponse({"status": "ready"})

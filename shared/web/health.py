"""`GET /health` (this process runs) and `GET /ready` (what it depends on answers); open to everybody, say no more."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.errors import Unavailable

Check = Callable[[], Awaitable[object]]


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def ready(checks: dict[str, Check]) -> Response:
    """200 when every check passes; else Unavailable, which names the dependencies that are `down`."""
    down = []
    for name, check in checks.items():
        try:
            await check()
        except Unavailable:
            down.append(name)
    if down:
        names = ", ".join(down)
        raise Unavailable(f"This does not answer just now: {names}.", retry_after_seconds=2, down=down)
    return JSONResponse({"status": "ready"})

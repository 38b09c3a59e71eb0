"""`GET /health` (this process runs) and `GET /ready` (what it depends on answers); open to everybody, say no more."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import VERSION
from shared.domain.errors import Unavailable

Check = Callable[[], Awaitable[object]]


def health(commit: str) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: this process runs, and which version of the code it is."""

    async def answer(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": VERSION, "commit": commit or None})

    return answer


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

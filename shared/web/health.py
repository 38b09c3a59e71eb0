"""`GET /health` (this process runs) and `GET /ready` (what it depends on answers); open to everybody, say no more.

Each service's deps.py builds one `Readiness`. Only what no request can do without decides whether we are ready; of
everything else it is reported whether it answers.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import VERSION
from shared.domain.errors import Unavailable

Check = Callable[[], Awaitable[object]]

CHECK_SECONDS = 2.0  # who takes longer is as good as down
FRESH_SECONDS = 1.0  # anybody may ask: however often they do, the systems outside are asked once in this time
UP, DOWN = "up", "down"

logger = logging.getLogger("dream_api")


def health(commit: str) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: this process runs, and which version of the code it is."""

    async def answer(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": VERSION, "commit": commit or None})

    return answer


class Readiness:
    """`deciding` are the dependencies without which nothing can be answered, `reported` the others."""

    def __init__(
        self,
        deciding: Mapping[str, Check],
        reported: Mapping[str, Check],
        monotonic: Callable[[], float] = time.monotonic,
        seconds: float = CHECK_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._checks = {**deciding, **reported}
        self._deciding = tuple(deciding)
        self._monotonic = monotonic
        self._look: asyncio.Task[dict[str, str]] | None = None
        self._ended_at = 0.0
        self._last = dict.fromkeys(self._checks, UP)

    async def answer(self) -> Response:
        """200 when what decides is up; else Unavailable. Both say of each dependency whether it is up or down."""
        if self._look is None or (self._look.done() and self._monotonic() - self._ended_at >= FRESH_SECONDS):
            self._look = asyncio.create_task(self._looked())
        found = await asyncio.shield(self._look)  # a caller who leaves must not take it from the others
        down = [name for name, state in found.items() if state == DOWN]
        if any(name in down for name in self._deciding):
            message = f"This does not answer just now: {', '.join(down)}."
            raise Unavailable(message, retry_after_seconds=2, down=down, dependencies=found)
        return JSONResponse({"status": "ready", "dependencies": found})

    async def close(self) -> None:
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)

    async def _looked(self) -> dict[str, str]:
        states = await asyncio.gather(*(self._state(name, check) for name, check in self._checks.items()))
        self._last = dict(zip(self._checks, states, strict=True))
        self._ended_at = self._monotonic()
        return self._last

    async def _state(self, name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(self._seconds):
                await check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it does not do what we need
            if self._last[name] == UP:
                facts = {"dependency": name, "why": type(error).__name__}
                logger.warning("a dependency is down", extra={"facts": facts})
            return DOWN
        if self._last[name] == DOWN:
            logger.info("a dependency is up again", extra={"facts": {"dependency": name}})
        return UP

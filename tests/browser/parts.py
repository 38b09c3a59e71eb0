"""A page that arrives in parts, as over a slow line: the browser may draw it before all of it has come."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.serving import serving

PAUSE_SECONDS = 0.1


@asynccontextmanager
async def arriving(origin: str, before: str) -> AsyncIterator[str]:
    """The address of the same site whose pages pause before each of these tags."""
    async with httpx2.AsyncClient(base_url=origin, trust_env=False) as http:

        async def in_parts(request: Request) -> Response:
            whole = await http.get(request.url.path)
            first, *others = whole.text.split(before)
            parts = (first, *(before + one for one in others))
            return StreamingResponse(_slowly(parts), headers={"Content-Type": whole.headers["Content-Type"]})

        async with serving(Starlette(routes=[Route("/{path:path}", in_parts)])) as url:
            yield url


async def _slowly(parts: Iterable[str]) -> AsyncIterator[str]:
    for part in parts:
        yield part
        await asyncio.sleep(PAUSE_SECONDS)

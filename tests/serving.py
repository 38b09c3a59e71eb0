"""Serving an ASGI app on a real socket, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.web.protocol import BoundedHttp


@asynccontextmanager
async def serving(app: ASGIApp, port: int = 0, http: type[BoundedHttp] = BoundedHttp) -> AsyncIterator[str]:
    """The app's address while it is served over HTTP as the services speak it, on a free port or the one asked for."""
    config = uvicorn.Config(
        app, port=port, http=http, ws="none", log_config=None, access_log=False, server_header=False, lifespan="on"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the app did not start")
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task

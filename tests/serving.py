"""Serving an ASGI app on a real socket, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from shared.web.protocol import BoundedHttp


class PromptServer(uvicorn.Server):
    """Starts and ends when it is told to. As it comes it looks around every tenth of a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._ended.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which keeps the Date header right
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """In the same order as it comes: no new connection, the answers under way, the app's own end."""
        for server in self.servers:
            server.close()
        for one in sockets or ():
            one.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.002)
        await self.lifespan.shutdown()


@asynccontextmanager
async def serving(app: ASGIApp, port: int = 0, http: type[BoundedHttp] = BoundedHttp) -> AsyncIterator[str]:
    """The app's address while it is served over HTTP as the services speak it, on a free port or the one asked for."""
    config = uvicorn.Config(
        app, port=port, http=http, ws="none", log_config=None, access_log=False, server_header=False, lifespan="on"
    )
    server = PromptServer(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the app did not start")
            await asyncio.sleep(0.001)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.end()
        await task

"""An address that nothing may ever fetch, however often it is named: counts who connects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Trap:
    def __init__(self) -> None:
        self.url = ""
        self.hits = 0

    def sprung(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        writer.close()


@asynccontextmanager
async def set_up() -> AsyncIterator[Trap]:
    trap = Trap()
    server = await asyncio.start_server(trap.sprung, "127.0.0.1", 0)
    trap.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield trap

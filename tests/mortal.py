"""A served app that can be killed, for tests that need a clock of their own and so can't kill a process.

Each life has a thread and an event loop of its own. A kill resets its connections and never runs the loop again: no
task ends, no `finally` is reached, nothing is put in order. What is on its way to the store may still arrive there.
"""

import asyncio
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from shared.web.protocol import BoundedHttp
from tests.serving import PromptServer

# Lives that were ended. Kept, so that nothing of them is cleared up after all.
GRAVEYARD: list[object] = []


class Mortal:
    """`build` makes the app anew for each life; the address stays the same."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.deaths = 0

    def start(self) -> None:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, args=(self._loop, started), daemon=True)
        self._thread.start()
        if not started.wait(30):
            raise RuntimeError("the app did not start")

    def kill(self) -> None:
        """As `kill -9` does."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()
        GRAVEYARD.append((self._loop, self._server, asyncio.all_tasks(self._loop)))
        self.deaths += 1

    def end(self) -> None:
        """As SIGTERM does. Another life may follow."""
        self._loop.call_soon_threadsafe(self._server.end)
        self._thread.join()

    def stop(self) -> None:
        """The same at the end of the test."""
        self.end()
        self._socket.close()

    def _live(self, loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        config = uvicorn.Config(
            self._build(), http=BoundedHttp, ws="none", log_config=None, access_log=False, lifespan="on"
        )
        self._server = PromptServer(config)
        serving = loop.create_task(self._server.serve([self._socket.dup()]))
        serving.add_done_callback(lambda _: loop.stop())
        self._tell(loop, started)
        loop.run_forever()
        if serving.done():
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    def _tell(self, loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        if self._server.started:
            started.set()
        else:
            loop.call_later(0.002, self._tell, loop, started)

    def _end(self) -> None:
        for listening in self._server.servers:
            for one in listening.sockets:
                self._loop.remove_reader(one.fileno())
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        self._loop.call_soon(self._loop.stop)

"""A loopback store that answers like DynamoDB after a fixed delay, so that the service is measured and not an emulator.

`python -m infra.bench.store_server --port P [--delay 0.005] [--keys FILE]`. Conditions are judged the moment a request
arrives; only the answer waits. `GET /stats` tells requests, statements, write units and the items' counts; `POST
/forget` drops the usage items; `GET /.well-known/jwks.json` serves the tokens' keys.
"""

import argparse
import asyncio
import gc
import signal
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import orjson
import uvloop

from infra.bench.store import Store

SIGNAL_SECONDS = 0.00005  # a timer's signal is heard so much later
SHORTEST_SECONDS = 0.000005


class Later:
    """Answers, each a fixed time after its request came, to a twentieth of a millisecond.

    An event loop's timers know whole ones, and so would bring answers back in lumps. What is due need not wait for the
    work under way: DynamoDB has many machines.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._due: deque[tuple[float, Callable[[], None]]] = deque()
        asyncio.get_running_loop().add_signal_handler(signal.SIGALRM, self._heard)

    def add(self, arrived: float, send: Callable[[], None]) -> None:
        """`arrived` by perf_counter."""
        self._due.append((arrived + self._delay, send))
        if len(self._due) == 1:
            self._wait()

    def send(self) -> None:
        """What is due."""
        while self._due and self._due[0][0] <= time.perf_counter():
            self._due.popleft()[1]()

    def _heard(self) -> None:
        self.send()
        if self._due:
            self._wait()

    def _wait(self) -> None:
        left = self._due[0][0] - time.perf_counter() - SIGNAL_SECONDS
        signal.setitimer(signal.ITIMER_REAL, max(left, SHORTEST_SECONDS))


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as the clients here speak it: one request after another, lengths given."""

    def __init__(self, store: Store, later: Later, keys: bytes) -> None:
        self._store = store
        self._later = later
        self._keys = keys
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            return
        head = data[:end].lower()
        length = int(_header(head, b"content-length") or 0)
        if len(data) < end + 4 + length:
            self._rest = data
            return
        self._rest = b""
        self._serve(data[:end], head, data[end + 4 : end + 4 + length])

    def _serve(self, head: bytes, lowered: bytes, body: bytes) -> None:
        if head.startswith(b"POST / "):
            arrived = time.perf_counter()
            where = lowered.find(b"x-amz-target:")
            operation = head[where : head.find(b"\r\n", where)].rpartition(b".")[2].decode()
            status, answer = self._store.answer(operation, body)
            self._later.add(arrived, partial(self._send, status, answer))
        elif head.startswith(b"GET /stats"):
            self._send(200, orjson.dumps(self._store.stats()))
        elif head.startswith(b"POST /forget"):
            self._store.forget()
            self._send(200, b"{}")
        else:
            self._send(200, self._keys)

    def _send(self, status: int, body: bytes) -> None:
        if self._transport is not None:
            kind = "application/x-amz-json-1.0"
            head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


def _header(head: bytes, name: bytes) -> bytes | None:
    where = head.find(b"\r\n" + name + b":")
    if where < 0:
        return None
    end = head.find(b"\r\n", where + 2)
    return head[where + len(name) + 3 : end if end > 0 else None].strip()


async def serve(port: int, delay: float, keys: bytes) -> None:
    later = Later(delay)
    store = Store(later.send)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(store, later, keys), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.005)
    parser.add_argument("--keys", type=Path)
    asked = parser.parse_args()
    keys = asked.keys.read_bytes() if asked.keys else b'{"keys": []}'
    gc.disable()  # nothing here is in cycles, and a pause of the collector is none of DynamoDB's
    uvloop.run(serve(asked.port, asked.delay, keys))


if __name__ == "__main__":
    main()

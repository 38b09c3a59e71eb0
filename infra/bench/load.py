"""The load generator, a process of its own: `python -m infra.bench.load FILE < plan.json` writes what it saw.

Started by infra.bench.measure for each row. A plan names the address, requests that are sent as they are, how many
connections, how long, and how users are drawn. Every 200 is remembered with the count it told, so that the row can be
held against what is stored.

It never sleeps while answers are due: on a virtual machine, waking a process on another core is slow and is the work of
the one who wakes it, so each answer of the server would pay for it, but for those to a caller who is busy anyway.
"""

import asyncio
import gc
import itertools
import os
import random
import resource
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import orjson
import uvloop

DRAWN = 50_000
COUNT = b'"count":'


class Load:
    """What all connections share: the requests to send, and what came of them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.host, self.port = "127.0.0.1", int(plan["port"])
        self.requests = [request.encode("latin-1") for request in plan["requests"]]
        self.order = _order(plan["drawn"], len(self.requests), int(plan.get("seed", 1)))
        self.statuses: Counter[str] = Counter()
        self.latencies = array("d")
        self.counts: dict[int, list[int]] = {}
        self.until = float("inf")
        self.left = int(plan.get("calls") or 10**9)
        self.broken = 0
        self.idle = 0.0  # seconds of CPU spent awake with nothing to do


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request is sent when the one before it is answered."""

    def __init__(self, load: Load, done: "asyncio.Future[None]") -> None:
        self._load = load
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._user = 0
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._done.done():
            self._load.broken += 1
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _length(data, end):
            self._rest = data
            return
        self._rest = b""
        now = time.perf_counter()
        load, status = self._load, data[9:12].decode()
        load.latencies.append(now - self._sent)
        load.statuses[status] += 1
        if status == "200":
            at = data.find(COUNT, end) + len(COUNT)
            told = int(data[at : data.find(b",", at)]) if at >= len(COUNT) else 0
            load.counts.setdefault(self._user, []).append(told)
        if now < load.until and load.left > 0:
            self.send()
        elif not self._done.done() and self._transport is not None:
            self._done.set_result(None)
            self._transport.close()

    def send(self) -> None:
        self._load.left -= 1
        self._user = next(self._load.order)
        self._sent = time.perf_counter()
        if self._transport is not None:
            self._transport.write(self._load.requests[self._user])


def _length(data: bytes, end: int) -> int:
    at = data.find(b"content-length: ", 0, end) + 16
    return int(data[at : data.find(b"\r", at)])


def _order(drawn: str, users: int, seed: int) -> Iterator[int]:
    """Which user's turn it is: `each` in turn, `uniform`, or `zipf` (the busiest first)."""
    if drawn == "each":
        return itertools.cycle(range(users))
    chance = random.Random(seed)  # noqa: S311 - repeatable load, nothing secret
    weights = [1 / (rank + 1) for rank in range(users)] if drawn == "zipf" else None
    return itertools.cycle(chance.choices(range(users), weights, k=DRAWN))


def _stay_awake(load: Load, loop: asyncio.AbstractEventLoop, since: float, seen: int) -> None:
    """Look again at once, until the row is over.

    Whoever else is ready goes first: without being asked to, the scheduler leaves one who never sleeps in place for up
    to 4 ms now and then, even in the idle class, and then all answers of the store came late together.
    """
    now, answers = time.thread_time(), len(load.latencies)
    if answers == seen:
        load.idle += now - since
        os.sched_yield()
    if time.perf_counter() < load.until:
        loop.call_soon(_stay_awake, load, loop, now, answers)


def _give_way() -> None:
    """To the store, which shares a core with this process."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    load, loop = Load(plan), asyncio.get_running_loop()
    dones: list[asyncio.Future[None]] = [loop.create_future() for _ in range(plan["connections"])]
    # All are open before the first call: opening one more beside calls is a cost of its own.
    opened = [await loop.create_connection(partial(Connection, load, done), load.host, load.port) for done in dones]
    began = time.perf_counter()
    load.until = began + float(plan.get("seconds") or 120)
    for _, connection in opened:
        connection.send()
    if plan.get("seconds"):
        _stay_awake(load, loop, time.thread_time(), 0)
    await asyncio.gather(*dones)
    seconds = time.perf_counter() - began
    latencies = sorted(load.latencies)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "calls": len(latencies),
        "statuses": load.statuses,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[int(len(latencies) * 0.99)],
        "cpu": used.ru_utime + used.ru_stime - load.idle,
        "broken": load.broken,
        "counts": {str(user): counts for user, counts in load.counts.items()},
    }


def main() -> None:
    _give_way()
    gc.disable()  # its pauses would be told as the server's
    plan = orjson.loads(sys.stdin.buffer.read())
    Path(sys.argv[1]).write_bytes(orjson.dumps(uvloop.run(run(plan))))


if __name__ == "__main__":
    main()

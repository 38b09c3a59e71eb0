"""A gate between a service process and a system it talks to: holds chosen requests, and keeps what passed.

A held request is never passed on: its sender waits until it gives up or, what tests are after, is killed just there.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

NOT_PASSED_ON = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding"})
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Passed:
    """A request that came by. `operation` is DynamoDB's name for it, elsewhere the method."""

    operation: str
    text: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Hold:
    """Requests of an operation whose path, query and body name all of `about`."""

    operation: str
    about: tuple[str, ...]
    met: asyncio.Event = field(default_factory=asyncio.Event)

    def fits(self, request: Passed) -> bool:
        return self.operation == request.operation and all(word in request.text for word in self.about)


class Gate:
    """Serve `.app` and give its address to a process instead of the system's own."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._holds: list[Hold] = []
        self.passed: list[Passed] = []
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30)
        routes = [Route("/{path:path}", self._serve, methods=METHODS)]
        self.app = Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._http:
            yield

    def hold(self, operation: str, *about: str) -> asyncio.Event:
        """From now on hold such requests; the event tells that one is there."""
        made = Hold(operation, about)
        self._holds.append(made)
        return made.met

    def release(self) -> None:
        """Hold nothing any more; what is held stays so."""
        self._holds.clear()

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        operation = request.headers.get("x-amz-target", request.method).rpartition(".")[2]
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        asked = Passed(operation, f"{target} {body.decode()}", dict(request.headers))
        for held in self._holds:
            if held.fits(asked):
                held.met.set()
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                return Response(status_code=503)
        self.passed.append(asked)
        headers = {name: value for name, value in request.headers.items() if name not in NOT_PASSED_ON}
        answer = await self._http.request(request.method, self._target + target, content=body, headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name not in NOT_PASSED_ON}
        kept.pop("content-encoding", None)
        return Response(answer.content, answer.status_code, kept)

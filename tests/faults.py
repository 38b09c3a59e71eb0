"""A proxy between a service and its store that loses answers, delays, throttles and refuses, and counts what passes."""

import asyncio
from collections import Counter as Tally
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchExecuteStatement"})


class Fault(Enum):
    NONE = "passes on and answers"
    ANSWER_LOST = "passes on, then answers 500"
    NOT_DONE = "answers 500 without passing on"
    THROTTLED = "answers a throttling error without passing on"
    LATE = "answers 500 at once and passes on a moment later"


class FaultyStore:
    """Serve `.app` and give its address to a Dynamo. `faults` are used up one a write, then everything passes."""

    def __init__(self, endpoint: str, late_seconds: float = 0.1) -> None:
        self._endpoint = endpoint
        self._late_seconds = late_seconds
        self._late: set[asyncio.Task[object]] = set()
        self._met = asyncio.Condition()
        self.faults: deque[Fault] = deque()
        self.requests: Tally[str] = Tally()
        self._client = httpx2.AsyncClient(trust_env=False)
        self.app = Starlette(routes=[Route("/", self._serve, methods=["POST"])], lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield

    @property
    def writes(self) -> int:
        return sum(self.requests[name] for name in WRITES)

    async def used_up(self) -> None:
        """Wait until the last fault has met its write."""
        async with self._met:
            await self._met.wait_for(lambda: not self.faults)

    async def settle(self) -> None:
        """Wait until every late write has been passed on."""
        await asyncio.gather(*self._late)

    async def _serve(self, request: Request) -> Response:
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        self.requests[operation] += 1
        body, headers = await request.body(), _forwarded(request)
        fault = self.faults.popleft() if self.faults and operation in WRITES else Fault.NONE
        async with self._met:
            self._met.notify_all()
        if fault is Fault.NOT_DONE:
            return _error(500, "InternalServerError")
        if fault is Fault.THROTTLED:
            return _error(400, "ThrottlingException")
        if fault is Fault.LATE:
            task = asyncio.create_task(self._pass_on(body, headers, after=self._late_seconds))
            self._late.add(task)
            return _error(500, "InternalServerError")
        answer = await self._pass_on(body, headers)
        if fault is Fault.ANSWER_LOST:
            return _error(500, "InternalServerError")
        return Response(answer.content, answer.status_code, {"content-type": "application/x-amz-json-1.0"})

    async def _pass_on(self, body: bytes, headers: dict[str, str], after: float = 0) -> httpx2.Response:
        await asyncio.sleep(after)
        return await self._client.post(self._endpoint, content=body, headers=headers)


def _forwarded(request: Request) -> dict[str, str]:
    wanted = ("x-amz-target", "content-type", "authorization", "x-amz-date")
    return {name: request.headers[name] for name in wanted}


def _error(status: int, code: str) -> JSONResponse:
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return JSONResponse({"__type": kind, "message": "injected"}, status, media_type="application/x-amz-json-1.0")

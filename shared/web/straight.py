"""A service's metered route, past the application: what its middlewares would do for it, in one straight line.

Says of itself in the state that the server keeps for an app, under `STRAIGHT`; shared.web.protocol hands it a whole
request of its route where there is nothing unusual about it. What needs more (a page's origin, no credential, a wrong
one, any other route) goes the long way, and a test holds that both ways answer alike. Why: decision record 0009.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.domain.errors import ApiError
from shared.web.errors import error_answer, unforeseen
from shared.web.exchange import Exchange
from shared.web.guard import Admission
from shared.web.log import begin, dressed_lines, end, head_lines, request_id

STRAIGHT = "straight"
Endpoint = Callable[[Request], Awaitable[Response]]


class Straight:
    """Serves `POST path` by the same endpoint that is in the route table. In the app it is the outermost middleware."""

    def __init__(self, app: ASGIApp, service: str, path: str, endpoint: Endpoint, admission: Admission) -> None:
        self._app = app
        self._service = service
        self._route = Route(path, endpoint, methods=["POST"])
        self._endpoint = endpoint
        self._places = admission.places
        self.url = path.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope.get("state", {})[STRAIGHT] = self
        await self._app(scope, receive, send)

    def takes(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers may go straight."""
        names = [name for name, _ in headers]
        return b"authorization" in names and b"origin" not in names

    async def serve(self, exchange: Exchange, app: ASGIApp) -> None:
        """Answer one request; `app` is the long way."""
        scope = exchange.scope
        asked = begin(scope)
        scope["route"] = self._route  # as the router does, for whoever tells of the request
        self._places.taken += 1
        answer = None
        try:
            answer = await self._answer(scope, exchange.body)
        finally:
            self._places.taken -= 1
            if answer is None:
                exchange.drop()
                end(self._service, scope, 500, asked)
        if answer.status_code == 401:
            await _the_long_way(exchange, app)
            return
        head = dressed_lines(answer.raw_headers, request_id(scope))
        exchange.answer(answer.status_code, head, bytes(answer.body))
        end(self._service, scope, answer.status_code, asked)

    async def _answer(self, scope: Scope, body: bytes) -> Response:
        request = Request(scope, _received(body))
        try:
            return await self._endpoint(request)
        except ApiError as error:
            return error_answer(request, error)
        except Exception:  # noqa: BLE001 - as the innermost middleware does for every other route
            return unforeseen(scope)


async def _the_long_way(exchange: Exchange, app: ASGIApp) -> None:
    """Have the application answer: nothing was done yet for who has shown no good credential."""
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    try:
        await app(exchange.scope, _received(exchange.body), send)
        start, *parts = said
        exchange.answer(
            start["status"], head_lines(start["headers"]), b"".join(part.get("body", b"") for part in parts)
        )
    finally:
        exchange.drop()


def _received(body: bytes) -> Receive:
    """The whole body, as an application is given it."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive

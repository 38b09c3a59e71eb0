"""A service's metered route, past the application: what its middlewares would do for it, in one straight line.

Says of itself in the state that the server keeps for an app, under `STRAIGHT`; shared.web.protocol hands it a whole
request of its route where there is nothing unusual about it. A call for which nothing has to be looked up is begun and
answered without a task (`at_once`); else the route's endpoint runs in one. What needs more (a page's origin, no
credential, a wrong one, any other route) goes the long way, and a test holds that all ways answer alike. Why: decision
record 0009.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import outside
from shared.domain.errors import ApiError
from shared.web.answers import Said
from shared.web.errors import error_answer, error_said, unforeseen, unforeseen_said
from shared.web.exchange import Exchange
from shared.web.guard import Admission
from shared.web.log import begin, dressed_lines, dressing, end, given_id, head_lines, request_id

STRAIGHT = "straight"
Endpoint = Callable[[Request], Awaitable[Response]]


class Straight:
    """Serves `POST path` by the same endpoint that is in the route table. In the app it is the outermost middleware.

    `at_once` begins a call that can do without a task, and says whether it has; what it has begun it finishes here.
    """

    def __init__(
        self,
        app: ASGIApp,
        service: str,
        path: str,
        endpoint: Endpoint,
        admission: Admission,
        at_once: Callable[[Exchange, "Straight"], bool] | None = None,
    ) -> None:
        self._app = app
        self._service = service
        self._route = Route(path, endpoint, methods=["POST"])
        self._endpoint = endpoint
        self._at_once = at_once
        self._places = admission.places
        self.url = path.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope.get("state", {})[STRAIGHT] = self
        await self._app(scope, receive, send)

    def serve(self, exchange: Exchange, app: ASGIApp) -> None:
        """Answer one request; `app` is the long way."""
        scope, sent = exchange.scope, exchange.sent
        doubled = len(sent) != len(scope["headers"])
        exchange.asked = begin(scope, given_id(scope) if doubled else sent.get(b"x-request-id"))
        scope["route"] = self._route  # as the router does, for whoever tells of the request
        self._places.taken += 1
        if doubled or self._at_once is None or not self._at_once(exchange, self):
            exchange.go_on(self._at_length(exchange, app))

    def finish(self, exchange: Exchange, say: Callable[..., Said], *arguments: object) -> None:
        """Answer what `say` says of these arguments, or the error it raises."""
        scope = exchange.scope
        try:
            said = say(*arguments)
        except ApiError as error:
            said = error_said(scope, error)
        except Exception:  # noqa: BLE001 - as the innermost middleware does for every other route
            said = unforeseen_said(scope)
        self._say(exchange, said)

    def fail(self, exchange: Exchange, error: Exception) -> None:
        """Answer with an error."""
        self.finish(exchange, _raised, error)

    def finish_later(self, exchange: Exchange, say: Coroutine[Any, Any, Said]) -> None:
        """The same of what has to wait."""
        exchange.go_on(self._finish_later(exchange, say))

    async def _finish_later(self, exchange: Exchange, say: Coroutine[Any, Any, Said]) -> None:
        outside.follow(exchange.asked)
        try:
            said = await say
        except Exception as error:  # noqa: BLE001 - raised again where it is looked at
            self.fail(exchange, error)
        else:
            self._say(exchange, said)
        finally:
            self._dropped(exchange)

    def _say(self, exchange: Exchange, said: Said) -> None:
        body = orjson.dumps(said.body)
        head = (
            f"{dressing(request_id(exchange.scope))}content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        )
        for name, value in said.headers.items():
            head += f"{name.lower()}: {value}\r\n"
        self._answer(exchange, said.status, head.encode("latin-1"), body)

    def _answer(self, exchange: Exchange, status: int, head: bytes, body: bytes) -> None:
        self._places.taken -= 1
        exchange.answer(status, head, body)
        end(self._service, exchange.scope, status, exchange.asked)

    def _dropped(self, exchange: Exchange) -> None:
        """Where nothing was answered, as the task was ended: the caller and the log are told."""
        if not exchange.response_complete:
            self._places.taken -= 1
            exchange.drop()
            end(self._service, exchange.scope, 500, exchange.asked)

    async def _at_length(self, exchange: Exchange, app: ASGIApp) -> None:
        scope = exchange.scope
        outside.follow(exchange.asked)
        try:
            answer = await self._by_endpoint(scope, exchange.body)
            if answer.status_code == 401:
                self._places.taken -= 1
                await _the_long_way(exchange, app)
                return
            head = dressed_lines(answer.raw_headers, request_id(scope))
            self._answer(exchange, answer.status_code, head, bytes(answer.body))
        finally:
            self._dropped(exchange)

    async def _by_endpoint(self, scope: Scope, body: bytes) -> Response:
        request = Request(scope, _received(body))
        try:
            return await self._endpoint(request)
        except ApiError as error:
            return error_answer(request, error)
        except Exception:  # noqa: BLE001 - as the innermost middleware does for every other route
            return unforeseen(scope)


def _raised(error: Exception) -> Said:
    raise error


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

"""A service's metered route, past the middlewares: what they would do for such a request, in one straight line.

The outermost middleware of the services that have one. Whatever needs more (a page's origin, no credential, no free
place, any other route) goes the long way, and a test holds that both ways answer alike. Why: decision record 0009.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.domain.errors import ApiError
from shared.web.errors import error_answer, unforeseen
from shared.web.guard import Admission, Place
from shared.web.log import begin, dress, end, request_id
from shared.web.protocol import WHOLE

Endpoint = Callable[[Request], Awaitable[Response]]


class Straight:
    """Serves `POST path` by the same endpoint that is in the route table."""

    def __init__(self, app: ASGIApp, service: str, path: str, endpoint: Endpoint, admission: Admission) -> None:
        self._app = app
        self._service = service
        self._path = path
        self._route = Route(path, endpoint, methods=["POST"])
        self._endpoint = endpoint
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._goes_straight(scope):
            await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _goes_straight(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            return False
        names = [name for name, _ in scope["headers"]]
        return b"authorization" in names and b"origin" not in names and not self._admission.places.full

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, asked = 500, begin(scope)
        scope["route"] = self._route  # as the router does, for whoever tells of the request
        place = Place(self._admission, scope, receive, send)
        try:
            answer = await self._answer(scope, place)
            place.leave()
            status = answer.status_code
            headers = dress(answer.raw_headers, request_id(scope))
            whole = scope.get("extensions", {}).get(WHOLE)
            if whole is None or not whole(status, headers, answer.body):
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": answer.body})
        finally:
            place.leave()
            end(self._service, scope, status, asked)

    async def _answer(self, scope: Scope, place: Place) -> Response:
        request = Request(scope, place.receive)
        try:
            answer = await self._endpoint(request)
        except ApiError as error:
            answer = error_answer(request, error)
        except Exception:  # noqa: BLE001 - as the innermost middleware does for every other route
            answer = unforeseen(scope)
        if answer.status_code == 401:
            return self._admission.after_failure(scope) or answer
        return answer

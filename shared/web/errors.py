"""The one JSON error shape: `{"error": code, "message": sentence, "requestId": …, **facts}`.

`exception_handlers` goes into each service's Starlette app; `LastResort` is its innermost middleware, so that even an
unforeseen exception is answered in the same shape, inside CORS and under the request's id, with nothing shown.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.domain.errors import ApiError, Unauthenticated
from shared.web.answers import JsonAnswer, Said
from shared.web.log import note, request_id

logger = logging.getLogger("dream_api")

_HTTP_ERRORS = {
    404: ("not_found", "There is nothing at this address; check the path."),
    405: ("method_not_allowed", "This address does not take that method; the Allow header lists those it takes."),
}


def error_response(
    scope: Scope,
    status: int,
    code: str,
    message: str,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One error as JSON; its code goes into the log line too."""
    return JsonAnswer(_shape(scope, code, message, facts or {}), status, headers)


def _shape(scope: Scope, code: str, message: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    note(scope, error=code)
    return {"error": code, "message": message, "requestId": request_id(scope), **facts}


def error_answer(request: Request, error: ApiError) -> Response:
    """The answer a refusal amounts to; raising it has the same effect and costs more."""
    return error_said(request.scope, error).written()


def error_said(scope: Scope, error: ApiError) -> Said:
    """The same before it is written."""
    headers = dict(error.headers)
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="dream-api"'
    return Said(_shape(scope, error.code, error.message, error.facts), error.status, headers)


def _http_error(request: Request, error: HTTPException) -> Response:
    code, message = _HTTP_ERRORS.get(error.status_code, ("http_error", "The request can't be served."))
    return error_response(request.scope, error.status_code, code, message, headers=error.headers)


# Starlette's table is typed for handlers of any Exception; ours take the class they are listed under.
exception_handlers: dict[Any, Callable[[Request, Any], Response]] = {
    ApiError: error_answer,
    HTTPException: _http_error,
}


class LastResort:
    """Answers 500 for what nobody foresaw. The log has the traceback; the caller has the request id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            answer = unforeseen(scope)
            if started:
                raise
            await answer(scope, receive, send)


def unforeseen(scope: Scope) -> Response:
    """The answer to the exception that is being handled, which nobody foresaw; it goes into the log."""
    return unforeseen_said(scope).written()


def unforeseen_said(scope: Scope) -> Said:
    """The same before it is written."""
    logger.exception("unhandled", extra={"facts": {"requestId": request_id(scope)}})  # noqa: LOG004 - called by handlers
    message = "Something failed on our side. Try again; if it stays, report the requestId."
    return Said(_shape(scope, "internal_error", message, {}), 500, {})

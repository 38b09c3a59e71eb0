"""The Backend API of a stand-in Clerk, as far as this product and its tests use it (API version 2026-05-12).

Mounted by clerk.py under `/v1`. Answers, errors and refusals have Clerk's own shapes.
"""

import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.sandbox.clerk_state import ClerkState, User, emails_of, merged
from infra.sandbox.clerk_tokens import LIFETIME_SECONDS, TEMPLATES, key_set, minted

API_VERSION = "2026-05-12"
METADATA = ("public_metadata", "private_metadata", "unsafe_metadata")
_PLAIN_FIELDS = ("external_id", "first_name", "last_name", "banned", "locked")


class Refusal(Exception):
    """An error in Clerk's shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def refused(_request: Request, error: Refusal) -> Response:
    body = {"message": error.message, "long_message": error.message, "code": error.code, "meta": {}}
    return JSONResponse({"errors": [body], "clerk_trace_id": "sandbox"}, error.status)


class Backend:
    """One app's Backend API."""

    def __init__(self, state: ClerkState, issuer: str, secret_key: str) -> None:
        self._state = state
        self._issuer = issuer
        self._secret_key = secret_key

    def routes(self) -> list[Route]:
        return [
            Route("/users", self._list, methods=["GET"]),
            Route("/users", self._create, methods=["POST"]),
            Route("/users/{user_id}", self._user, methods=["GET", "PATCH", "DELETE"]),
            Route("/users/{user_id}/metadata", self._metadata, methods=["PATCH", "PUT"]),
            Route("/sessions", self._session, methods=["POST"]),
            Route("/sessions/{session_id}/tokens", self._token, methods=["POST"]),
            Route("/sessions/{session_id}/tokens/{template}", self._token, methods=["POST"]),
            Route("/jwks", self._keys, methods=["GET"]),
        ]

    def _check(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._secret_key.encode()):
            raise Refusal(401, "authentication_invalid", "Invalid authentication")
        if request.headers.get("clerk-api-version", API_VERSION) != API_VERSION:
            raise Refusal(400, "api_version_invalid", "Unknown API version")

    def _found(self, request: Request) -> User:
        user = self._state.users.get(request.path_params["user_id"])
        if user is None:
            raise Refusal(404, "resource_not_found", "not found")
        return user

    async def _list(self, request: Request) -> Response:
        self._check(request)
        wanted = {address.lower() for address in request.query_params.getlist("email_address")}
        users = [user for user in self._state.users.values() if not wanted or wanted & emails_of(user)]
        return JSONResponse(users)

    async def _create(self, request: Request) -> Response:
        self._check(request)
        body = await _body(request, {"email_address", *METADATA, *_PLAIN_FIELDS})
        addresses = body.pop("email_address", [])
        if any(self._state.user_by_email(address) for address in addresses):
            raise Refusal(422, "form_identifier_exists", "That email address is taken.")
        return JSONResponse(self._state.create_user(next(iter(addresses), None), **body))

    async def _user(self, request: Request) -> Response:
        self._check(request)
        user = self._found(request)
        if request.method == "DELETE":
            del self._state.users[user["id"]]
            self._state.save()
            return JSONResponse({"object": "user", "id": user["id"], "deleted": True})
        if request.method == "PATCH":
            user.update(await _body(request, set(_PLAIN_FIELDS)))  # metadata is refused here since 2026-05-12
            self._state.touched(user)
        return JSONResponse(user)

    async def _metadata(self, request: Request) -> Response:
        self._check(request)
        user = self._found(request)
        for name, value in (await _body(request, set(METADATA))).items():
            user[name] = merged(user[name], value or {}) if request.method == "PATCH" else value or {}
        return JSONResponse(self._state.touched(user))

    async def _session(self, request: Request) -> Response:
        self._check(request)
        user_id = (await _body(request, {"user_id"})).get("user_id")
        if user_id not in self._state.users:
            raise Refusal(404, "resource_not_found", "not found")
        session_id = self._state.start_session(user_id)
        return JSONResponse({"object": "session", "id": session_id, "user_id": user_id, "status": "active"})

    async def _token(self, request: Request) -> Response:
        self._check(request)
        session_id, template = request.path_params["session_id"], request.path_params.get("template")
        user = self._state.users.get(self._state.sessions.get(session_id, ""))
        if user is None or (template is not None and template not in TEMPLATES):
            raise Refusal(404, "resource_not_found", "not found")
        seconds = (await _body(request, {"expires_in_seconds"})).get("expires_in_seconds") or LIFETIME_SECONDS
        jwt = minted(self._state, self._issuer, user, session_id, template, None, seconds)
        return JSONResponse({"object": "token", "jwt": jwt})

    async def _keys(self, request: Request) -> Response:
        self._check(request)
        return JSONResponse(key_set(self._state))


async def _body(request: Request, known: set[str]) -> dict[str, Any]:
    raw = await request.body()
    try:
        body = await request.json() if raw else {}
    except ValueError:
        raise Refusal(400, "request_body_invalid", "Request body invalid") from None
    unknown = sorted(body.keys() - known) if isinstance(body, dict) else ["body"]
    if unknown:
        raise Refusal(422, "form_param_unknown", f"{unknown[0]} is not a valid parameter for this request.")
    parsed: dict[str, Any] = body
    return parsed

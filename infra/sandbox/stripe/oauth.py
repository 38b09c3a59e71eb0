"""Connect's OAuth for Standard accounts: codes, their exchange, and the end of a connection. Answers the connect base.

A code lives five minutes and works once; used again, it revokes the connection that it made.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.sandbox.stripe import accounts
from infra.sandbox.stripe.api import LostAnswer, authenticate
from infra.sandbox.stripe.config import PLATFORM
from infra.sandbox.stripe.errors import OAuthRefusal, Object, Refusal
from infra.sandbox.stripe.faults import Fault
from infra.sandbox.stripe.form import parse
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.world import World

CODE = "_code"
CODE_SECONDS = 300
SCOPE = "read_write"
TOKEN_FIELDS = frozenset({"grant_type", "code", "scope", "assert_capabilities", "refresh_token", "client_secret"})


def issue(world: World, account_id: str, client_id: str) -> str:
    """A code for an account whose owner has agreed."""
    code = fresh("code")
    note = {"id": code, "object": CODE, "for": account_id, "client_id": client_id, "used": False}
    world.store.put(PLATFORM, note | {"expires_at": world.clock.now() + CODE_SECONDS})
    return code


class OAuthApi:
    def __init__(self, world: World) -> None:
        self._world = world

    async def token(self, request: Request) -> Response:
        return await self._answered(request, self._exchange)

    async def deauthorize(self, request: Request) -> Response:
        return await self._answered(request, self._disconnect)

    async def _answered(self, request: Request, work: Callable[[dict[str, Any]], Object]) -> Response:
        params = parse((await request.body()).decode("utf-8", "replace"))
        fault = self._world.faults.take("POST", request.url.path, PLATFORM)
        try:
            authenticate(self._world.config, request)
            answer = _injected(fault)
            if answer is None and fault is not None and fault.status == "timeout":
                answer = 504, {}
            if answer is None:
                with self._world.store.transaction():
                    answer = 200, work(params)
        except Refusal as refusal:
            answer = refusal.status, {"error": "invalid_client", "error_description": refusal.message}
        except OAuthRefusal as refusal:
            answer = refusal.status, refusal.body()
        request_id = fresh("request")
        self._log(request, params, answer[0], request_id, fault)
        return _sent(answer, request_id, fault)

    def _exchange(self, params: dict[str, Any]) -> Object:
        if params.get("grant_type") != "authorization_code":
            raise OAuthRefusal("unsupported_grant_type", f"Unsupported grant type: {params.get('grant_type')}")
        unknown = set(params) - TOKEN_FIELDS
        if unknown or "code" not in params:
            raise OAuthRefusal("invalid_request", "A code is required, and nothing unknown beside it.")
        note = self._world.store.get(PLATFORM, CODE, str(params["code"]))
        if note is None:
            raise OAuthRefusal("invalid_grant", "Authorization code does not exist.")
        if note["used"]:
            # The revocation must last though the request is refused, so the refusal is answered, not raised.
            return self._revoke(note)
        if self._world.clock.now() >= note["expires_at"]:
            raise OAuthRefusal("invalid_grant", "Authorization code expired.")
        self._world.store.put(PLATFORM, note | {"used": True})
        accounts.connect(self._world.store, note["for"])
        return {"token_type": "bearer", "scope": SCOPE, "livemode": False, "stripe_user_id": note["for"]}

    def _revoke(self, note: Object) -> Object:
        if accounts.is_connected(self._world.store, note["for"]):
            accounts.disconnect(self._world.books(note["for"]), note["client_id"])
        return OAuthRefusal(
            "invalid_grant",
            "This authorization code has already been used. All tokens issued with this code have been revoked.",
        ).body()

    def _disconnect(self, params: dict[str, Any]) -> Object:
        client_id, account_id = str(params.get("client_id", "")), str(params.get("stripe_user_id", ""))
        if not client_id.startswith("ca_") or self._world.config.client_id not in {None, client_id}:
            raise OAuthRefusal("invalid_client", f"No such application: '{client_id}'", status=401)
        if not accounts.is_connected(self._world.store, account_id):
            raise OAuthRefusal(
                "invalid_client",
                f"This application is not connected to stripe account {account_id}, or that account does not exist.",
                status=401,
            )
        accounts.disconnect(self._world.books(account_id), client_id)
        return {"stripe_user_id": account_id}

    def _log(self, request: Request, params: dict[str, Any], status: int, request_id: str, fault: Fault | None) -> None:
        self._world.log.add(
            {
                "at": self._world.clock.now(),
                "request_id": request_id,
                "method": "POST",
                "path": request.url.path,
                "account": PLATFORM,
                "params": params,
                "idempotency_key": None,
                "status": status,
                "replayed": False,
                "fault": fault.status if fault else None,
            }
        )


def _injected(fault: Fault | None) -> tuple[int, Object] | None:
    if fault is None or not isinstance(fault.status, int):
        return None
    return fault.status, {"error": "server_error", "error_description": "An unknown error occurred."}


def _sent(answer: tuple[int, Object], request_id: str, fault: Fault | None) -> Response:
    if fault is not None and fault.status in {"timeout", "lost_answer"}:
        return LostAnswer()
    status = 400 if answer[0] == 200 and "error" in answer[1] else answer[0]
    return JSONResponse(answer[1], status, {"Request-Id": request_id})

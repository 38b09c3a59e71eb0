"""The HTTP side of `/v1`: authentication, the account named, versions, idempotency, faults, and the shape of answers.

One request is one transaction without an await inside, so requests never see each other half done.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from infra.sandbox.stripe import accounts, endpoints
from infra.sandbox.stripe.answers import Answer, fingerprint
from infra.sandbox.stripe.books import public
from infra.sandbox.stripe.check import checked
from infra.sandbox.stripe.config import API_VERSION, PLATFORM, Config
from infra.sandbox.stripe.errors import Object, Refusal
from infra.sandbox.stripe.expand import expanded
from infra.sandbox.stripe.faults import Fault
from infra.sandbox.stripe.form import parse
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.world import World

LEAVING_CHECK_SECONDS = 0.05


class LostAnswer(Response):
    """Announces a body and closes the connection without it, as a network does that fails at the wrong moment."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


@dataclass(slots=True)
class Asked:
    """One request, as far as it could be read."""

    method: str
    path: str
    params: dict[str, Any]
    base: str
    key: str | None
    id: str
    account: str = PLATFORM


class Api:
    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: Request) -> Response:
        asked, refusal = await self._read(request)
        fault = self._world.faults.take(asked.method, asked.path, asked.account)
        if fault is not None and fault.status == "timeout":
            self._log(asked, None, fault)
            await _until_left(request, fault.seconds)
            return LostAnswer()
        answer, replayed = self._failed(asked, fault), False
        if answer is None and refusal is not None:
            answer = _refused(asked, refusal)
        if answer is None:
            answer, replayed = await self._answer(asked, fault)
        self._log(asked, answer, fault, replayed=replayed)
        if fault is not None and fault.status == "lost_answer":
            return LostAnswer()
        return _response(asked, answer, replayed=replayed)

    async def _read(self, request: Request) -> tuple[Asked, Refusal | None]:
        in_query = request.method in {"GET", "DELETE"}
        raw = request.url.query if in_query else (await request.body()).decode("utf-8", "replace")
        base = str(request.base_url).rstrip("/")
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        asked = Asked(request.method, request.url.path, {}, base, key, fresh("request"))
        try:
            asked.params = parse(raw)
            authenticate(self._world.config, request)
            asked.account = self._account(request)
        except Refusal as refusal:
            return asked, refusal
        return asked, None

    def _account(self, request: Request) -> str:
        named = request.headers.get("stripe-account")
        if named in {None, "", PLATFORM}:
            return PLATFORM
        if not accounts.is_connected(self._world.store, str(named)):
            raise accounts.no_access(str(named))
        return str(named)

    async def _answer(self, asked: Asked, fault: Fault | None) -> tuple[Answer, bool]:
        if asked.key is None:
            await _late(fault)
            return self._worked(asked), False
        try:
            kept = self._world.answers.kept(asked.account, asked.key, _print(asked))
        except Refusal as refusal:
            return _refused(asked, refusal), False
        if kept is not None:
            return kept, True
        self._world.answers.begin(asked.account, asked.key)
        try:
            await _late(fault)
            return self._worked(asked), False
        finally:
            self._world.answers.end(asked.account, asked.key)

    def _worked(self, asked: Asked) -> Answer:
        """Do the work and keep its answer, in one transaction; a refusal undoes the work and may be kept by itself."""
        store = self._world.store
        try:
            with store.transaction():
                answer = Answer(200, self._called(asked), asked.id)
                self._keep(asked, answer)
                return answer
        except Refusal as refusal:
            answer = _refused(asked, refusal)
            if refusal.executed:
                self._keep(asked, answer)
            return answer

    def _called(self, asked: Asked) -> Object:
        endpoint, ids = endpoints.look_up(asked.method, asked.path)
        params = checked(asked.params, endpoint.legal)
        books = self._world.books(asked.account, asked.base, request=asked.id, key=asked.key)
        return expanded(books, public(endpoints.called(endpoint, books, params, ids)), params.get("expand", []))

    def _keep(self, asked: Asked, answer: Answer) -> None:
        if asked.key is not None:
            self._world.answers.keep(asked.account, asked.key, _print(asked), answer)

    def _failed(self, asked: Asked, fault: Fault | None) -> Answer | None:
        if fault is None or not isinstance(fault.status, int):
            return None
        limited = fault.status == 429
        refusal = Refusal(
            "Too many requests." if limited else "An unknown error occurred.",
            status=fault.status,
            kind="invalid_request_error" if limited else "api_error",
            code="rate_limit" if limited else None,
        )
        answer = _refused(asked, refusal)
        if fault.executed:
            self._keep(asked, answer)
        return answer

    def _log(self, asked: Asked, answer: Answer | None, fault: Fault | None, *, replayed: bool = False) -> None:
        self._world.log.add(
            {
                "at": self._world.clock.now(),
                "request_id": asked.id,
                "method": asked.method,
                "path": asked.path,
                "account": asked.account,
                "params": asked.params,
                "idempotency_key": asked.key,
                "status": answer.status if answer else None,
                "replayed": replayed,
                "fault": fault.status if fault else None,
            }
        )


def authenticate(config: Config, request: Request) -> None:
    """Only the platform's test key comes in, and only with the version this stand-in speaks."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise _unauthorized("You did not provide an API key.")
    if not key.startswith("sk_test_") or config.secret_key not in {None, key}:
        raise _unauthorized(f"Invalid API Key provided: {key[:8]}***")
    version = request.headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise Refusal(f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION}.", executed=False)


def _unauthorized(message: str) -> Refusal:
    return Refusal(message, status=401, executed=False)


def _print(asked: Asked) -> str:
    return fingerprint(asked.method, asked.path, asked.params)


def _refused(asked: Asked, refusal: Refusal) -> Answer:
    return Answer(refusal.status, refusal.body(), asked.id)


def _response(asked: Asked, answer: Answer, *, replayed: bool) -> Response:
    headers = {"Request-Id": asked.id, "Stripe-Version": API_VERSION}
    if replayed:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.request}
    if asked.key is not None:
        headers["Idempotency-Key"] = asked.key
    if asked.account != PLATFORM:
        headers["Stripe-Account"] = asked.account
    return JSONResponse(answer.body, answer.status, headers)


async def _late(fault: Fault | None) -> None:
    if fault is not None and fault.status == "slow":
        await asyncio.sleep(fault.seconds)


async def _until_left(request: Request, seconds: float) -> None:
    waited = 0.0
    while waited < seconds and not await request.is_disconnected():
        await asyncio.sleep(LEAVING_CHECK_SECONDS)
        waited += LEAVING_CHECK_SECONDS

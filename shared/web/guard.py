"""What a service refuses before it works: too much at once, and too much from one address. In each app.py.

Early and cheap: under overload a request is answered 503 with Retry-After at once instead of waiting with all the
others. A place is held only while we work, never while we wait for the caller, so slow callers hold none. Who shows
no credential is limited per address. A wrong credential is a 401 until an address has sent too many, then a 429; a
good one is never refused for what others on its address do, so nobody can be locked out.
"""

import secrets
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.domain.errors import Overloaded
from shared.web.address import address_of
from shared.web.allowance import Allowance
from shared.web.errors import error_response
from shared.web.places import ALWAYS_ANSWERED, PLACES, Places

CREDENTIALS = frozenset({b"authorization", b"stripe-signature"})
SPREAD_SECONDS = 3


class Limits(Protocol):
    """The settings that say how much is too much."""

    @property
    def max_in_flight(self) -> int: ...
    @property
    def visitors_per_minute(self) -> int: ...
    @property
    def failures_per_minute(self) -> int: ...


class Admission:
    """What is taken and used up in this process; one for all its requests."""

    def __init__(self, limits: Limits) -> None:
        self.places = Places(limits.max_in_flight)
        self.visitors = Allowance(limits.visitors_per_minute)
        self.failures = Allowance(limits.failures_per_minute)

    def after_failure(self, scope: Scope) -> Response | None:
        """What is answered in place of one more 401, once an address has had too many of them."""
        seconds = self.failures.wait(address_of(scope))
        return _too_many(scope, seconds) if seconds else None


class Guard:
    """The middleware. shared.web.straight takes places for the route it serves."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._places = admission.places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope.get("state", {})[PLACES] = self._places
        if scope["type"] != "http" or scope["path"] == ALWAYS_ANSWERED:
            await self._app(scope, receive, send)
        elif not CREDENTIALS.isdisjoint(name for name, _ in scope["headers"]):
            await self._admit(scope, receive, send)
        elif seconds := self._admission.visitors.wait(address_of(scope)):
            await _too_many(scope, seconds)(scope, receive, send)
        else:
            await self._admit(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._places.full:  # since the protocol looked, or where another one serves
            self._places.turn_away()
            message = "More requests are under way than this service takes on at once; send it again in a moment."
            refusal = error_response(scope, Overloaded.status, Overloaded.code, message)
            refusal.headers["Retry-After"] = str(1 + secrets.randbelow(SPREAD_SECONDS))
            await refusal(scope, receive, send)
            return
        place = Place(self._admission, scope, receive, send)
        try:
            await self._app(scope, place.receive, place.send)
        finally:
            place.leave()


class Place:
    """One request under way: holds a place while we work on it."""

    def __init__(self, admission: Admission, scope: Scope, receive: Receive, send: Send) -> None:
        self._admission = admission
        self._places = places = admission.places
        self._scope = scope
        self._receive = receive
        self._send = send
        self._held = True
        self._replaced = False
        places.taken += 1

    def leave(self) -> None:
        if self._held:
            self._held = False
            self._places.taken -= 1

    async def receive(self) -> Message:
        if not self._held:
            return await self._receive()
        self._places.taken -= 1
        try:
            return await self._receive()
        finally:
            self._places.taken += 1

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.leave()
            refusal = self._admission.after_failure(self._scope) if message["status"] == 401 else None
            if refusal is not None:
                self._replaced = True
                await refusal(self._scope, self._receive, self._send)
        if not self._replaced:
            await self._send(message)


def _too_many(scope: Scope, seconds: int) -> Response:
    message = "Too many requests from your address; slow down, and look at Retry-After."
    refusal = error_response(scope, 429, "rate_limited", message)
    refusal.headers["Retry-After"] = str(seconds)
    return refusal

"""What a person or a test may do to the stand-in from outside: `/_sandbox/…`, in JSON.

Stripe itself has none of this; `app` mounts it.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.sandbox.stripe import accounts, lifecycle, portal, refunds
from infra.sandbox.stripe.books import Books, public
from infra.sandbox.stripe.config import PLATFORM
from infra.sandbox.stripe.courier import Courier
from infra.sandbox.stripe.errors import Object, Refusal
from infra.sandbox.stripe.faults import Fault
from infra.sandbox.stripe.weather import Weather
from infra.sandbox.stripe.world import World

FINALS = ("canceled", "unpaid", "past_due")
SETTLE_SECONDS = 10.0
SETTLE_CHECK_SECONDS = 0.01


class Control:
    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    def routes(self) -> list[Route]:
        posts: dict[str, Callable[[dict[str, Any]], Any]] = {
            "advance": self._advance,
            "weather": self._weather,
            "faults": self._faults,
            "dunning": self._dunning,
            "emit": self._emit,
            "discard": self._discard,
            "accounts": self._account,
            "disconnect": self._disconnect,
            "fail_refund": self._fail_refund,
            "portal": self._portal,
        }
        return [
            *(Route(f"/_sandbox/{name}", _post(do), methods=["POST"]) for name, do in posts.items()),
            Route("/_sandbox/release", self._release, methods=["POST"]),
            Route("/_sandbox/redeliver", self._redeliver, methods=["POST"]),
            Route("/_sandbox/settle", self._settle, methods=["POST"]),
            Route("/_sandbox/clock", self._clock, methods=["GET"]),
            Route("/_sandbox/faults", self._faults_left, methods=["GET"]),
            Route("/_sandbox/deliveries", self._deliveries, methods=["GET"]),
            Route("/_sandbox/requests", self._requests, methods=["GET", "DELETE"]),
            Route("/_sandbox/accounts", self._accounts, methods=["GET"]),
        ]

    def _advance(self, given: dict[str, Any]) -> Object:
        now = self._world.clock.now()
        seconds = int(given["to"]) - now if "to" in given else int(given["seconds"])
        if seconds < 0:
            raise ValueError("time only goes forward")
        return {"processed": self._world.advance(seconds), "now": self._world.clock.now()}

    def _weather(self, given: dict[str, Any]) -> Object:
        self._world.sky.change(Weather.of(given))
        return given

    def _faults(self, given: dict[str, Any]) -> Object:
        self._world.faults.order([Fault.of(one) for one in given["next"]])
        return {"left": self._world.faults.left()}

    def _dunning(self, given: dict[str, Any]) -> Object:
        settings = lifecycle.DEFAULT_SETTINGS | given
        days = settings["retry_days"]
        if settings["final"] not in FINALS or not days or any(day <= 0 for day in days):
            raise ValueError(f"final is one of {', '.join(FINALS)}; retry_days are days between attempts")
        self._world.store.set(lifecycle.SETTINGS, settings)
        return settings

    def _emit(self, given: dict[str, Any]) -> Object:
        books = self._books(given)
        return public(books.emit(given["type"], given["object"], given.get("previous_attributes"), always=True))

    def _discard(self, given: dict[str, Any]) -> Object:
        lost = self._world.outbox.held(given.get("events"))
        for delivery in lost:
            self._world.outbox.discard(delivery)
        return {"discarded": len(lost)}

    def _account(self, given: dict[str, Any]) -> Object:
        """Make an account, or change one; `connected` connects it without the consent page."""
        store = self._world.store
        changes = {name: value for name, value in given.items() if name not in {"id", "connected"}}
        before = accounts.find(store, given["id"]) if "id" in given else None
        if before is None:
            now = self._world.clock.now()
            before = accounts.create(store, now, given.get("email"), given.get("business_name"), given.get("id"))
        books = self._world.books(before["id"])
        after = accounts.changed(before, changes)
        if given.get("connected"):
            accounts.connect(store, before["id"])
        return public(books.change(before, after, "account.updated"))

    def _disconnect(self, given: dict[str, Any]) -> Object:
        """As the account's owner does in their own dashboard."""
        if not accounts.is_connected(self._world.store, given["account"]):
            raise ValueError("that account is not connected")
        client_id = self._world.config.client_id or "ca_sandbox"
        accounts.disconnect(self._world.books(given["account"]), client_id)
        return {"disconnected": given["account"]}

    def _fail_refund(self, given: dict[str, Any]) -> Object:
        return public(refunds.fail(self._books(given), given["refund"]))

    def _portal(self, given: dict[str, Any]) -> Object:
        return public(portal.save_default(self._books(given)))

    async def _release(self, request: Request) -> Response:
        """Deliver what is held, one after the other in the order asked for, and tell what was answered."""
        given = await _body(request)
        held = self._world.outbox.held(given.get("events"))
        if given.get("concurrently"):
            attempts = await asyncio.gather(*(self._courier.deliver(one) for one in held))
        else:
            attempts = [await self._courier.deliver(one) for one in held]
        return JSONResponse({"released": len(held), "statuses": [one.status for one in attempts]})

    async def _redeliver(self, request: Request) -> Response:
        """Send an event again, as often as asked, to every endpoint it was for."""
        given = await _body(request)
        known = {(one["account"], one["url"]) for one in self._world.outbox.listing(event=given["event"])}
        if not known:
            return _problem("that event was for no endpoint")
        copies = [where for where in sorted(known) for _ in range(int(given.get("times", 1)))]
        sends = [self._courier.send(account, given["event"], url) for account, url in copies]
        if given.get("concurrently"):
            attempts = await asyncio.gather(*sends)
        else:
            attempts = [await send for send in sends]
        return JSONResponse({"statuses": [one.status for one in attempts]})

    async def _settle(self, request: Request) -> Response:
        """Wait until nothing is on its way any more, or the time is over."""
        given = await _body(request)
        until = time.monotonic() + float(given.get("seconds", SETTLE_SECONDS))
        while self._world.outbox.counts().get("pending") and time.monotonic() < until:  # noqa: ASYNC110 - rows change
            await asyncio.sleep(SETTLE_CHECK_SECONDS)
        counts = self._world.outbox.counts()
        return JSONResponse({"settled": not counts.get("pending"), "counts": counts})

    async def _clock(self, _request: Request) -> Response:
        return JSONResponse({"now": self._world.clock.now(), "offset": self._world.clock.offset()})

    async def _faults_left(self, _request: Request) -> Response:
        return JSONResponse({"left": self._world.faults.left()})

    async def _deliveries(self, request: Request) -> Response:
        asked = request.query_params
        found = self._world.outbox.listing(asked.get("state"), asked.get("event"))
        return JSONResponse({"deliveries": found, "counts": self._world.outbox.counts()})

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._world.log.clear()
        return JSONResponse({"requests": self._world.log.since(int(request.query_params.get("since", 0)))})

    async def _accounts(self, _request: Request) -> Response:
        store = self._world.store
        found = [one | {"connected": accounts.is_connected(store, one["id"])} for one in accounts.known(store)]
        return JSONResponse({"accounts": found})

    def _books(self, given: dict[str, Any]) -> Books:
        return self._world.books(given.get("account", PLATFORM))


def _post(do: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(do(await _body(request)))
        except Refusal as refusal:
            return _problem(refusal.message)
        except (KeyError, TypeError, ValueError) as error:
            return _problem(f"{type(error).__name__}: {error}")

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    given = json.loads(raw) if raw else {}
    if not isinstance(given, dict):
        raise TypeError("a JSON object is expected")
    return given


def _problem(sentence: str) -> Response:
    return JSONResponse({"error": sentence}, 400)

"""Too much at once is a 503 at once; too much from one address is a 429; nobody is locked out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.domain.errors import Unauthenticated
from shared.web.auth import bearer
from shared.web.body import raw_body
from shared.web.errors import LastResort, exception_handlers
from shared.web.guard import Admission, Guard
from shared.web.health import health
from shared.web.log import RequestLog
from tests.serving import serving

GOOD = {"Authorization": "Bearer good"}
BAD = {"Authorization": "Bearer bad"}


@dataclass
class Busy:
    """A service whose work takes until it is let go."""

    max_in_flight: int = 4
    visitors_per_minute: int = 0
    failures_per_minute: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[httpx2.AsyncClient]:
        async def work(_request: Request) -> Response:
            await self.go.wait()
            return JSONResponse({"done": True})

        async def body(request: Request) -> Response:
            return JSONResponse({"bytes": len(await raw_body(request))})

        async def mine(request: Request) -> Response:
            if bearer(request) != "good":
                raise Unauthenticated("Who?")
            return JSONResponse({"mine": True})

        app = Starlette(
            routes=[
                Route("/work", work),
                Route("/body", body, methods=["POST"]),
                Route("/mine", mine),
                Route("/health", health("")),
            ],
            middleware=[
                Middleware(RequestLog, service="busy"),
                Middleware(Guard, admission=Admission(self)),
                Middleware(LastResort),
            ],
            exception_handlers=exception_handlers,
        )
        limits = httpx2.Limits(max_connections=100)
        async with serving(app) as url, httpx2.AsyncClient(base_url=url, trust_env=False, limits=limits) as http:
            try:
                yield http
            finally:
                self.go.set()  # a server waits for what it works on, also for a test that has failed


async def test_more_than_it_takes_on_is_refused_at_once_and_good_traffic_passes_right_afterwards() -> None:
    busy = Busy()
    async with busy.served() as http:
        asked = [asyncio.create_task(http.get("/work", headers=GOOD)) for _ in range(40)]
        while sum(one.done() for one in asked) < 36:
            await asyncio.sleep(0.005)
        refused = [one.result() for one in asked if one.done()]
        assert {(one.status_code, one.json()["error"]) for one in refused} == {(503, "overloaded")}
        assert {int(one.headers["Retry-After"]) for one in refused} <= {1, 2, 3}
        assert (await http.get("/health")).status_code == 200
        busy.go.set()
        assert [(await one).status_code for one in asked].count(200) == 4
        assert (await http.get("/work", headers=GOOD)).status_code == 200


async def test_callers_who_are_slow_to_send_hold_no_place() -> None:
    async with Busy().served() as http:
        sent = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b"x"
            await sent.wait()
            yield b"y"

        slow = [asyncio.create_task(http.post("/body", content=slowly(), headers=GOOD)) for _ in range(20)]
        await asyncio.sleep(0.1)
        assert (await http.get("/mine", headers=GOOD)).status_code == 200
        sent.set()
        assert {(await one).status_code for one in slow} == {200}


async def test_who_shows_no_credential_is_limited_by_address_and_who_shows_a_good_one_is_not() -> None:
    async with Busy(visitors_per_minute=5).served() as http:
        statuses = [(await http.get("/mine")).status_code for _ in range(8)]
        assert statuses == [401] * 5 + [429] * 3
        refused = await http.get("/mine")
        assert (refused.json()["error"], int(refused.headers["Retry-After"]) <= 12) == ("rate_limited", True)
        assert {(await http.get("/mine", headers=GOOD)).status_code for _ in range(10)} == {200}


async def test_wrong_credentials_are_slowed_down_and_lock_nobody_out() -> None:
    async with Busy(failures_per_minute=5).served() as http:
        statuses = [(await http.get("/mine", headers=BAD)).status_code for _ in range(8)]
        assert statuses == [401] * 5 + [429] * 3
        assert (await http.get("/mine", headers=GOOD)).status_code == 200


async def test_an_address_is_believed_from_the_proxy_only_in_its_last_untrusted_hop() -> None:
    async with Busy(visitors_per_minute=2).served() as http:
        for index in range(6):  # a caller makes up the first hops; the proxy appends what it saw
            answer = await http.get("/mine", headers={"X-Forwarded-For": f"198.51.100.{index}, 203.0.113.9"})
        assert answer.status_code == 429
        other = await http.get("/mine", headers={"X-Forwarded-For": "203.0.113.10"})
        assert other.status_code == 401

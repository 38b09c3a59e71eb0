"""A call for which nothing has to be looked up is answered without a task: as exactly, and by the same words."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio

from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from tenant_api import app
from tenant_api.settings import Settings
from tests.clocks import SetClock
from tests.faults import Fault, FaultyStore
from tests.raw import spoken
from tests.serving import serving
from tests.tenant_api.service import Platform, Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

FREE = Price(0, "usd", "month")
TIERS = TierConfig((Tier("free", "Free", 5, 1000, FREE), Tier("slow", "Slow", UNLIMITED, 2)), 1)
# A header that comes twice is looked at with care, and so at length.
AT_ONCE, AT_LENGTH = (("X-Way", "a"), ("X-Other-Way", "a")), (("X-Way", "a"), ("X-Way", "a"))


@dataclass(frozen=True)
class Served:
    """A tenant_api that remembers keys, and a platform whose key and tiers it has met."""

    url: str
    platform: Platform
    http: httpx2.AsyncClient

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", urlsplit(self.url).port or 0

    async def call(
        self, user: str | None, way: tuple[tuple[str, str], ...], *, content: bytes = b"", **headers: str
    ) -> httpx2.Response:
        sent = [("Authorization", f"Bearer {self.platform.key}"), *way]
        sent += [] if user is None else [("X-User-Id", user)]
        sent += [(name.replace("_", "-"), value) for name, value in headers.items()]
        return await self.http.post(self.url + "/api/data", headers=sent, content=content)

    def written(self, user: str, *more: str) -> bytes:
        """The same as bytes."""
        lines = ["POST /api/data HTTP/1.1", "Host: a", f"Authorization: Bearer {self.platform.key}"]
        return "\r\n".join([*lines, f"X-User-Id: {user}", *more, "", ""]).encode()

    async def met(self) -> "Served":
        """Once more: tiers are remembered for a moment only."""
        assert (await self.call("warm", AT_LENGTH, X_User_Plan="slow")).status_code in {200, 429}
        return self


@asynccontextmanager
async def remembering(settings: Settings, clock: SetClock, service: Service) -> AsyncIterator[Served]:
    built = app.build(settings.model_copy(update={"key_cache_seconds": 60}), clock)
    platform = await service.platform(TIERS)
    async with serving(built) as url, httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        yield await Served(url, platform, http).met()


@pytest_asyncio.fixture(loop_scope="session")
async def served(settings: Settings, clock: SetClock, service: Service) -> AsyncIterator[Served]:
    async with remembering(settings, clock, service) as opened:
        yield opened


ASKED: dict[str, dict[str, Any]] = {
    "counted": {},
    "several units": {"content": b'{"units": 3}'},
    "over the limit": {"content": b'{"units": 6}'},
    "over the minute": {"X_User_Plan": "slow"},
    "no units": {"content": b'{"units": 0}'},
    "no JSON": {"content": b"{"},
    "too large": {"content": b" " * 70_000},
    "unknown tier": {"X_User_Plan": "none"},
    "with an id": {"X_Request_Id": "mine"},
    "with a key": {"Idempotency_Key": "k"},
}


def told(answer: httpx2.Response, line: Mapping[str, Any]) -> object:
    """What is the same of two users' calls."""
    body = {name: value for name, value in answer.json().items() if name != "requestId"}
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "x-request-id"}}
    facts = {name: value for name, value in line.items() if name not in {"time", "ms", "storeMs", "userId"}}
    return answer.status_code, body, headers, {**facts, "requestId": len(facts["requestId"])}


@pytest.mark.parametrize("asked", ASKED)
async def test_both_ways_answer_and_log_alike(served: Served, log: io.StringIO, asked: str) -> None:
    for calls in range(3):
        at_once = await served.call(f"once {asked}", AT_ONCE, **ASKED[asked])
        at_length = await served.call(f"long {asked}", AT_LENGTH, **ASKED[asked])
        first, second = (json.loads(line) for line in log.getvalue().splitlines()[-2:])
        assert told(at_once, first) == told(at_length, second), calls


@pytest.mark.parametrize("way", [AT_ONCE, AT_LENGTH])
async def test_who_does_not_say_for_whom_is_told_so(served: Served, way: tuple[tuple[str, str], ...]) -> None:
    answer = await served.call(None, way)
    assert (answer.status_code, answer.json()["header"]) == (400, "X-User-Id")


async def test_of_many_calls_at_once_exactly_the_limit_is_let_through(served: Served) -> None:
    ways = (AT_ONCE, AT_LENGTH)
    answers = await asyncio.gather(*(served.call("many", ways[index % 3 == 0]) for index in range(40)))
    counts = sorted(answer.json()["usage"]["count"] for answer in answers if answer.status_code == 200)
    assert counts == [1, 2, 3, 4, 5]
    assert {answer.status_code for answer in answers} == {200, 403}
    assert (await served.call("many", AT_ONCE)).json()["used"] == 5


async def test_refusals_are_added_up_for_the_dashboard(served: Served) -> None:
    before = await refused(served)
    assert [(await served.call("eager", AT_ONCE)).status_code for _ in range(6)] == [200] * 5 + [403]
    await asyncio.gather(*(served.call("hasty", AT_ONCE, X_User_Plan="slow") for _ in range(4)))
    after = await refused(served)
    assert (after["overQuota"] - before["overQuota"], after["rateLimited"] - before["rateLimited"]) == (1, 2)


async def refused(served: Served) -> dict[str, int]:
    answer = await served.http.get(
        served.url + "/api/developer/dashboard", headers={"Authorization": f"Bearer {served.platform.key}"}
    )
    found: dict[str, int] = answer.json()["calls"]["refused"]
    return found


async def test_calls_sent_in_one_go_are_answered_in_order(served: Served) -> None:
    calls = b"".join(served.written("in order") for _ in range(7))
    answered = await spoken(served.address, calls + served.written("in order", "Connection: close"))
    statuses = [part[:3] for part in answered.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200"] * 5 + [b"403"] * 3
    counts = [part.split(b",")[0] for part in answered.split(b'"count":')[1:]]
    assert counts == [b"1", b"2", b"3", b"4", b"5"]


async def test_what_follows_the_last_request_of_a_connection_is_not_counted(served: Served) -> None:
    last = served.written("last", "Connection: close", "X-User-Plan: slow")
    for status in (b"200", b"200", b"429"):  # counted by the store, in the end refused from memory
        answered = await spoken(served.address, last + served.written("after"))
        assert [part[:3] for part in answered.split(b"HTTP/1.1 ")[1:]] == [status]
    assert (await served.call("after", AT_ONCE)).json()["usage"]["count"] == 1


async def test_a_call_under_way_is_answered_when_the_server_ends(
    settings: Settings, clock: SetClock, service: Service
) -> None:
    async with remembering(settings, clock, service) as served:
        reader, writer = await asyncio.open_connection(*served.address)
        writer.write(served.written("ending"))
        await writer.drain()
        await asyncio.sleep(0.001)
    answered = await reader.read()
    assert answered.startswith(b"HTTP/1.1 200")
    writer.close()
    assert await served.platform.count("ending") == 1


async def test_a_caller_who_has_gone_is_counted_and_nothing_waits_for_them(served: Served) -> None:
    for _ in range(3):
        _, writer = await asyncio.open_connection(*served.address)
        writer.write(served.written("gone"))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    for _ in range(200):
        if (await served.platform.count("gone")) == 3:
            break
        await asyncio.sleep(0.01)
    assert (await served.call("gone", AT_ONCE)).json()["usage"]["count"] == 4


async def test_a_lost_answer_is_counted_once_and_a_store_that_takes_nothing_is_a_503(
    settings: Settings, clock: SetClock, service: Service, endpoint: str
) -> None:
    store = FaultyStore(endpoint)
    async with serving(store.app) as url:
        slow = settings.model_copy(update={"dynamodb_endpoint": url})
        async with remembering(slow, clock, service) as served:
            assert (await served.call("unlucky", AT_ONCE)).json()["usage"]["count"] == 1
            store.faults.append(Fault.ANSWER_LOST)
            assert (await served.call("unlucky", AT_ONCE)).json()["usage"]["count"] == 2
            await served.met()
            store.faults.extend([Fault.THROTTLED] * 500)
            failed = await served.call("unlucky", AT_ONCE)
            store.faults.clear()
            assert (failed.status_code, failed.json()["error"]) == (503, "unavailable")
            assert failed.headers["retry-after"]
            assert (await served.call("unlucky", AT_ONCE)).json()["usage"]["count"] == 3
    assert await served.platform.count("unlucky") == 3

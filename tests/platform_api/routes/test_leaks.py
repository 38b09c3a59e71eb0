"""A scanner's alert over HTTP: refused before any look-up unless signed; what it does to a key, and what is shown."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from infra.sandbox.scanner import KEYS_PATH, Scanner, alert
from platform_api import app
from platform_api.settings import Settings
from shared.domain import keys
from tests.clocks import SetClock
from tests.faults import FaultyStore
from tests.platform_api.service import Service
from tests.serving import serving
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/webhook/secret-scanning"
UNKNOWN = keys.api_key(bytes(32))


@dataclass
class Watched:
    """A served platform_api with a scanner, its store in view."""

    scanner: Scanner
    store: FaultyStore
    service: Service

    async def tell(self, *tokens: str, raw: bytes | None = None, **more: Any) -> httpx2.Response:
        body = alert(tokens, **more) if raw is None else raw
        return await self.service.http.post(PATH, content=body, headers=self.scanner.signed(body))

    async def labels(self, *tokens: str, **more: Any) -> list[str]:
        answer = await self.tell(*tokens, **more)
        assert answer.status_code == 200, answer.text
        return [one["label"] for one in answer.json()]

    async def key(self) -> str:
        made: str = (await self.service.post("/generate-credentials")).json()["apiKey"]
        return made

    async def chosen(self, policy: str) -> None:
        assert (await self.service.post("/set-leak-policy", body={"policy": policy})).json()["policy"] == policy

    async def credentials(self) -> Any:
        return (await self.service.get("/get-credentials")).json()

    async def notices(self) -> list[Any]:
        found: list[Any] = (await self.service.get("/leaks")).json()["notices"]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scanner() -> Scanner:
    return Scanner()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def store(endpoint: str) -> FaultyStore:
    return FaultyStore(endpoint)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched_address(
    scanner: Scanner, store: FaultyStore, settings: Settings, served_clock: SetClock
) -> AsyncIterator[str]:
    async with serving(scanner.app()) as there, serving(store.app) as behind:
        changed = {"secret_scanning_keys_url": there + KEYS_PATH, "dynamodb_endpoint": behind}
        async with serving(app.build(settings.model_copy(update=changed), served_clock)) as address:
            yield address


@pytest_asyncio.fixture(loop_scope="session")
async def watched(
    watched_address: str, scanner: Scanner, store: FaultyStore, issuer: Issuer, clock: SetClock
) -> AsyncIterator[Watched]:
    async with Service.at(watched_address, issuer, clock) as service:
        yield Watched(scanner, store, service)


async def test_without_a_scanner_there_is_no_such_route(service: Service) -> None:
    answer = await service.http.post(PATH, content=alert([UNKNOWN]))
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert (await service.get("/leaks")).json() == {"watched": False, "policy": "notify", "notices": []}


async def test_an_unsigned_alert_is_refused_before_anything_is_looked_up(watched: Watched) -> None:
    key = await watched.key()
    body = alert([key])
    watched.store.requests.clear()
    for headers in ({}, Scanner().signed(body), watched.scanner.signed(body + b" ")):
        answer = await watched.service.http.post(PATH, content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")
    assert not watched.store.requests
    assert await watched.notices() == []


async def test_junk_is_told_by_its_checksum_without_a_look_up(watched: Watched) -> None:
    watched.store.requests.clear()
    junk = ["", "pk_live_" + "x" * 49, UNKNOWN[:-1] + ("0" if UNKNOWN[-1] != "0" else "1"), "sk_test_1", "é" * 100]
    assert await watched.labels(*junk) == ["false_positive"] * len(junk)
    assert not watched.store.requests
    assert await watched.labels(UNKNOWN) == ["false_positive"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[1]", b'[{"token": 1, "type": "a"}]', b'[{"token": "a"}]', b"[" * 5000, b'[{"token":"\\ud800"}]'],
)
async def test_a_signed_body_that_is_no_alert_is_a_400(watched: Watched, raw: bytes) -> None:
    assert (await watched.tell(raw=raw)).status_code == 400


async def test_an_alert_has_its_bounds(watched: Watched) -> None:
    assert (await watched.tell(*["x"] * 1001)).status_code == 413
    assert (await watched.tell(raw=b" " * (512 * 1024 + 1))).status_code == 413
    answer = await watched.tell(UNKNOWN, *(f"x{number}" for number in range(999)), new_member={"a": 1})
    assert len(answer.json()) == 1000


async def test_by_default_the_developer_is_told_and_the_key_works_on(watched: Watched, log: io.StringIO) -> None:
    key = await watched.key()
    url = "javascript:alert(1)//\u0007" + "x" * 2000
    answer = await watched.tell(key, url=url)
    assert answer.json() == [
        {"token_hash": keys.key_hash(key), "token_type": "dream_api_platform_key", "label": "true_positive"}
    ]
    (notice,) = await watched.notices()
    assert (notice["keyEnd"], notice["works"], notice["worksUntil"], notice["done"]) == (
        key[-4:],
        True,
        None,
        "notified",
    )
    assert notice["places"] == [{"url": url.replace("\u0007", "")[:1000], "source": "content", "at": notice["doneAt"]}]
    assert (await watched.credentials())["apiKey"] == key
    (line,) = [json.loads(one) for one in log.getvalue().splitlines() if '"key leaked"' in one]
    assert (line["level"], line["policy"], line["done"]) == ("warning", "notify", "notified")
    assert key not in log.getvalue()
    assert "javascript" not in log.getvalue()


async def test_a_repeated_alert_does_nothing_twice_and_tells_nothing_twice(watched: Watched, log: io.StringIO) -> None:
    key = await watched.key()
    await watched.chosen("rotate")
    body = alert([key, key])
    answers = await asyncio.gather(*(watched.tell(raw=body) for _ in range(6)))
    assert [answer.json()[0]["label"] for answer in answers] == ["true_positive"] * 6
    now = await watched.credentials()
    assert (now["previousKeyValidUntil"], now["apiKey"] != key) == ("2026-11-25T12:00:00Z", True)
    watched.service.clock.advance(hours=25)
    assert await watched.labels(key) == ["true_positive"]
    assert (await watched.credentials())["apiKey"] == now["apiKey"]
    (notice,) = await watched.notices()
    assert (notice["done"], notice["works"], len(notice["places"])) == ("rotated", False, 1)
    assert log.getvalue().count('"key leaked"') == 1


async def test_an_old_alert_replayed_after_a_rotation_does_not_stop_the_new_key(watched: Watched) -> None:
    key = await watched.key()
    body = alert([key])
    assert (await watched.tell(raw=body)).status_code == 200
    new = (await watched.service.post("/rotate-credentials", body={"overlapHours": 24})).json()["apiKey"]
    await watched.chosen("stop")
    assert (await watched.tell(raw=body)).status_code == 200
    now = await watched.credentials()
    assert (now["apiKey"], "previousKeyValidUntil" in now) == (new, False)
    (notice,) = await watched.notices()
    assert (notice["done"], notice["works"]) == ("stopped", False)


async def test_stop_revokes_at_once(watched: Watched) -> None:
    key = await watched.key()
    await watched.chosen("stop")
    assert await watched.labels(key, UNKNOWN, "x") == ["true_positive", "false_positive", "false_positive"]
    assert (await watched.credentials())["apiKey"] is None
    assert (await watched.notices())[0]["done"] == "stopped"


async def test_a_dismissed_notice_is_gone_until_the_key_is_found_elsewhere(watched: Watched) -> None:
    key = await watched.key()
    await watched.labels(key)
    (notice,) = await watched.notices()
    for _ in range(2):
        assert (await watched.service.post("/dismiss-leak", body={"id": notice["id"]})).json()["notices"] == []
    await watched.labels(key)
    assert await watched.notices() == []
    await watched.labels(key, url="https://example.com/elsewhere")
    assert len((await watched.notices())[0]["places"]) == 2


async def test_nobody_sees_or_dismisses_another_developers_notice(watched: Watched) -> None:
    key = await watched.key()
    await watched.labels(key)
    (notice,) = await watched.notices()
    other = "user_other"
    assert (await watched.service.post("/dismiss-leak", other, body={"id": notice["id"]})).status_code == 404
    await watched.service.post("/generate-credentials", other)
    assert (await watched.service.post("/dismiss-leak", other, body={"id": notice["id"]})).status_code == 404
    assert (await watched.service.get("/leaks", other)).json()["notices"] == []
    assert len(await watched.notices()) == 1


@pytest.mark.parametrize("body", [{}, {"policy": "forgive"}, {"policy": 1}, {"policy": "stop", "x": 1}])
async def test_refuses_a_policy_that_is_none(watched: Watched, body: object) -> None:
    assert (await watched.service.post("/set-leak-policy", body={"policy": "stop"})).status_code == 404
    await watched.key()
    assert (await watched.service.post("/set-leak-policy", body=body)).status_code == 400
    assert (await watched.service.get("/leaks")).json()["policy"] == "notify"

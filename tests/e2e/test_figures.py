"""The dashboard's promise over real processes: its figures are the sums of the counts, also after kill -9."""

import asyncio
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2

from shared.adapters.dynamodb import Dynamo
from shared.domain.quota import UNLIMITED
from tests.conftest import REGION
from tests.e2e.installation import ROOT, Installation, Service, installation
from tests.e2e.test_exactness import CLIENT, PLATFORM, call, config

END_USERS = [f"user {one}" for one in range(12)]


async def ask(client: httpx2.AsyncClient, service: Service, key: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    return (await client.get(f"{service.url}/api/developer/{path}", headers=headers, timeout=30)).json()


async def figures(client: httpx2.AsyncClient, service: Service, key: str) -> tuple[int, int, int]:
    """Calls and active users of the dashboard, and the sum of all end-users' counts."""
    found = await ask(client, service, key, "dashboard")
    page = await ask(client, service, key, "customers")
    assert page["next"] is None
    return found["calls"]["month"], found["users"]["active"], sum(one["used"] for one in page["customers"])


async def until_equal(client: httpx2.AsyncClient, service: Service, key: str) -> tuple[int, int, int]:
    """Other processes' calls are seen within seconds."""
    async with asyncio.timeout(20):
        while (found := await figures(client, service, key))[0] != found[2]:
            await asyncio.sleep(0.3)
    return found


def recount(service: Service) -> str:
    """`python -m tenant_api recount`, as an operator runs it who does not want to wait."""
    command = [sys.executable, "-m", "tenant_api", "recount", "--silent", "30"]
    done = subprocess.run(command, cwd=ROOT, env=service.environment, capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


async def registered(installed: Installation) -> str:
    """The one process that says it lives, by its name in the store."""
    dynamo = Dynamo(region=REGION, endpoint=installed.endpoint)
    async with asyncio.timeout(20):
        while not (found := await dynamo.query(installed.prefix + "tenant-usage", "processes")):
            await asyncio.sleep(0.05)
    await dynamo.close()
    assert len(found) == 1
    return str(found[0]["sk"])


async def test_after_a_kill_the_figures_are_the_sums_again(endpoint: str, prefix: str, tmp_path: Path) -> None:
    async with installation(endpoint, prefix, tmp_path) as installed, httpx2.AsyncClient(limits=CLIENT) as client:
        key = installed.platform(PLATFORM, config(UNLIMITED, UNLIMITED))
        first = await installed.start("tenant_api")
        await call(client, first.url, key, END_USERS[0])
        killed = await registered(installed)
        second = await installed.start("tenant_api")
        urls, users = cycle((first.url, second.url)), cycle(END_USERS)

        async def one() -> int:
            try:
                return (await call(client, next(urls), key, next(users))).status_code
            except httpx2.TransportError:
                return 0

        calls = [asyncio.create_task(one()) for _ in range(900)]
        while sum(task.done() for task in calls) < 300:
            await asyncio.sleep(0.005)
        await first.stop(signal.SIGKILL)
        statuses = await asyncio.gather(*calls)
        installed.put("tenant-usage", {"pk": "processes", "sk": killed, "seenAt": 1})  # as after a long silence
        recount(second)
        told, active, summed = await until_equal(client, second, key)
        assert summed >= statuses.count(200) > 300
        assert (told, active) == (summed, len(END_USERS))


async def test_a_process_that_stops_has_stored_every_call(endpoint: str, prefix: str, tmp_path: Path) -> None:
    async with installation(endpoint, prefix, tmp_path) as installed, httpx2.AsyncClient(limits=CLIENT) as client:
        key = installed.platform(PLATFORM, config(UNLIMITED, UNLIMITED))
        first, second = await asyncio.gather(installed.start("tenant_api"), installed.start("tenant_api"))
        await asyncio.gather(*(call(client, first.url, key, user) for user in END_USERS * 10))
        await first.stop()
        assert await figures(client, second, key) == (120, 12, 120)

"""Two processes restarted one after the other under load: every call is answered, or was never begun."""

import asyncio
from collections import Counter as Tally
from itertools import cycle
from pathlib import Path

import httpx2

from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from tests.e2e.installation import installation

PLATFORM = "plt_" + "2" * 32
CALLERS = 32


async def test_a_rolling_restart_fails_no_call_that_was_begun(endpoint: str, prefix: str, tmp_path: Path) -> None:
    async with installation(endpoint, prefix, tmp_path) as installed, httpx2.AsyncClient() as client:
        key = installed.platform(
            PLATFORM, TierConfig((Tier("free", "Free", UNLIMITED, UNLIMITED, Price(0, "usd", "month")),), 1)
        )
        services = await asyncio.gather(installed.start("tenant_api"), installed.start("tenant_api"))
        urls = cycle(service.url for service in services)
        outcomes: Tally[int | str] = Tally()
        loaded = True

        async def caller(number: int) -> None:
            headers = {"Authorization": f"Bearer {key}", "X-User-Id": f"user {number % 4}"}
            while loaded:
                try:
                    answer = await client.post(f"{next(urls)}/api/data", headers=headers, timeout=30)
                    outcomes[answer.status_code] += 1
                except httpx2.TransportError:
                    outcomes["reset"] += 1  # refused, or closed before anything was answered: sent again elsewhere
                    await asyncio.sleep(0.02)

        callers = [asyncio.create_task(caller(number)) for number in range(CALLERS)]
        for service in services:
            await asyncio.sleep(0.5)
            await service.stop()
            await service.start()
        await asyncio.sleep(0.5)
        loaded = False
        await asyncio.gather(*callers)
        stored = 0
        for number in range(4):
            headers = {"Authorization": f"Bearer {key}", "X-User-Id": f"user {number}"}
            stored += (await client.get(services[0].url + "/api/usage", headers=headers)).json()["usageCount"]
    print(f"rolling restart under load: {dict(outcomes)}, stored {stored}")
    assert set(outcomes) <= {200, "reset"}
    assert outcomes[200] > 100
    assert stored == outcomes[200]

"""A credential's whole way over real processes: made and revoked at the platform, obeyed at the tenant API.

So is a scanner's alert, where the developer wants a leaked key stopped.
"""

import asyncio
import time
from pathlib import Path

import httpx2

from infra.sandbox.scanner import KEYS_PATH, Scanner, alert
from tests.e2e.installation import Service, installation
from tests.serving import serving

BOUND_SECONDS = 2.0


async def usage_status(client: httpx2.AsyncClient, tenant: Service, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": "user"}
    return (await client.get(tenant.url + "/api/usage", headers=headers)).status_code


async def seconds_until(client: httpx2.AsyncClient, tenant: Service, key: str, status: int) -> float:
    """How long until the tenant API answers so; looked at every 20 ms, so that its caches stay warm."""
    began = time.monotonic()
    while await usage_status(client, tenant, key) != status:
        assert time.monotonic() - began < 20, f"the tenant API never answered {status}"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_key_works_after_it_is_made_and_is_refused_within_two_seconds_of_its_revocation_or_leak(
    endpoint: str, prefix: str, tmp_path: Path
) -> None:
    scanner = Scanner()
    async with (
        serving(scanner.app()) as scanning,
        installation(endpoint, prefix, tmp_path) as installed,
        httpx2.AsyncClient(timeout=30) as client,
    ):
        platform, tenant, _ = await asyncio.gather(
            installed.start("platform_api", SECRET_SCANNING_KEYS_URL=scanning + KEYS_PATH),
            installed.start("tenant_api"),
            installed.start("oauth_bridge"),
        )
        delays = []
        for user in ("user_a", "user_b", "user_c"):
            headers = {"Authorization": f"Bearer {installed.developers.token(user)}"}
            made = await client.post(platform.url + "/generate-credentials", headers=headers)
            assert made.status_code == 200
            key = made.json()["apiKey"]
            await seconds_until(client, tenant, key, 200)
            if user == "user_c":
                stop = {"policy": "stop"}
                await client.post(platform.url + "/set-leak-policy", headers=headers, json=stop)
                raw = alert([key])
                told = await client.post(
                    platform.url + "/webhook/secret-scanning", content=raw, headers=scanner.signed(raw)
                )
                assert told.json()[0]["label"] == "true_positive"
            else:
                assert (await client.post(platform.url + "/revoke-credentials", headers=headers)).status_code == 200
            delays.append(await seconds_until(client, tenant, key, 401))
        shown = (await client.get(platform.url + "/leaks", headers=headers)).json()
        assert [(one["done"], one["keyEnd"]) for one in shown["notices"]] == [("stopped", key[-4:])]
        print("\nrevoked (the last: leaked) key refused after", ", ".join(f"{delay:.2f} s" for delay in delays))
        assert max(delays) <= BOUND_SECONDS


async def test_a_change_made_while_the_bridge_was_down_takes_effect_when_it_is_back(
    endpoint: str, prefix: str, tmp_path: Path
) -> None:
    async with installation(endpoint, prefix, tmp_path) as installed, httpx2.AsyncClient(timeout=30) as client:
        platform, tenant, bridge = await asyncio.gather(
            installed.start("platform_api"), installed.start("tenant_api"), installed.start("oauth_bridge")
        )
        headers = {"Authorization": f"Bearer {installed.developers.token('user_a', lifetime=600)}"}
        first = (await client.post(platform.url + "/generate-credentials", headers=headers)).json()["apiKey"]
        await seconds_until(client, tenant, first, 200)
        await bridge.stop()
        rotated = await client.post(platform.url + "/rotate-credentials", headers=headers, json={"overlapHours": 0})
        second = rotated.json()["apiKey"]
        assert await usage_status(client, tenant, second) == 401
        await bridge.start()
        await seconds_until(client, tenant, second, 200)
        await seconds_until(client, tenant, first, 401)

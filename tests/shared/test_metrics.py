"""Metrics over real processes: what Prometheus is told is what the services have answered."""

import time
from pathlib import Path

import httpx2
import pytest

from shared.domain.ids import platform_id
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from tests.e2e.installation import free_port, installation

PLATFORM = platform_id(bytes(16))
TIERS = TierConfig((Tier("free", "Free", 3, UNLIMITED, Price(0, "usd", "month")),), 1)


@pytest.mark.parametrize("workers", [1, 2])
async def test_counts_what_was_answered_over_all_processes(
    workers: int, endpoint: str, prefix: str, tmp_path: Path
) -> None:
    port = free_port()
    async with installation(endpoint, prefix, tmp_path) as installed, httpx2.AsyncClient(trust_env=False) as client:
        key = installed.platform(PLATFORM, TIERS)
        served = await installed.start("tenant_api", METRICS_PORT=str(port), WORKERS=str(workers))
        headers = {"Authorization": f"Bearer {key}", "X-User-Id": "alice"}
        for _ in range(5):
            await client.post(served.url + "/api/data", headers=headers)
        await client.request("PROPFIND", served.url + "/coffee")
        # A request is counted a moment after it is answered, here by another process.
        told, until = "", time.monotonic() + 5
        while 'route="none"' not in told and time.monotonic() < until:
            told = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    assert total(told, 'requests_total{method="POST",route="/api/data",service="tenant_api",status="200"}') == 3
    assert total(told, 'requests_total{method="POST",route="/api/data",service="tenant_api",status="403"}') == 2
    assert total(told, 'decisions_total{decision="over_quota",service="tenant_api"}') == 2
    assert total(told, 'request_seconds_count{route="/api/data",service="tenant_api"}') == 5
    assert total(told, 'requests_total{method="other",route="none",service="tenant_api",status="404"}') == 1
    assert "coffee" not in told
    assert "alice" not in told


def total(told: str, name: str) -> float:
    lines = [line for line in told.splitlines() if line.startswith(f"dream_api_{name} ")]
    assert len(lines) == 1, name
    return float(lines[0].rpartition(" ")[2])

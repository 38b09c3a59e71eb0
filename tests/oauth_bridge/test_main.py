"""Starting the bridge as a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process

import httpx2

from shared.adapters.system import utc_now
from tests.conftest import REGION
from tests.oauth_bridge.sides import PlatformSide, TenantSide, agree, created
from tests.tokens import segment


def environment(endpoint: str, prefix: str) -> dict[str, str]:
    ours = {
        "AWS_REGION": REGION,
        "DYNAMODB_ENDPOINT": endpoint,
        "TABLE_PREFIX": prefix,
        "DEVELOPER_CLERK__PUBLISHABLE_KEY": "pk_test_" + segment(b"clerk.example.com$"),
        "DEVELOPER_CLERK__SECRET_KEY": "sk_test_1",
    }
    return dict(os.environ) | ours


async def start(*arguments: str, env: dict[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oauth_bridge", *arguments, env=env, stdout=PIPE, stderr=PIPE
    )


async def stopped(process: Process) -> int | None:
    """Ask it to stop; its exit code. One that has stopped by itself tells why."""
    assert process.returncode is None, (await process.communicate())[1].decode()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(8):
        await process.communicate()
    return process.returncode


def test_an_unknown_argument_is_told() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "oauth_bridge", "nonsense"], capture_output=True, text=True, check=False, timeout=20
    )
    assert run.returncode == 1
    assert run.stderr.startswith("usage: python -m oauth_bridge")


def test_a_missing_setting_is_a_sentence_with_its_name() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("DEVELOPER_CLERK")}
    run = subprocess.run(
        [sys.executable, "-m", "oauth_bridge"], env=bare, capture_output=True, text=True, check=False, timeout=20
    )
    assert run.returncode == 2
    assert "DEVELOPER_CLERK: is missing" in run.stderr
    assert "Traceback" not in run.stderr


async def test_the_worker_alone_works_and_ends_on_sigterm(
    endpoint: str, prefix: str, platform: PlatformSide, tenant: TenantSide
) -> None:
    await platform.change(created(), utc_now())
    process = await start("worker", env=environment(endpoint, prefix))
    try:
        async with asyncio.timeout(15):
            while not await agree(platform, tenant, utc_now()):
                await asyncio.sleep(0.05)
    finally:
        code = await stopped(process)
    assert code == 0


async def test_the_service_serves_and_ends_on_sigterm(endpoint: str, prefix: str, unused_port: int) -> None:
    process = await start(env=environment(endpoint, prefix) | {"OAUTH_BRIDGE_PORT": str(unused_port)})
    try:
        async with asyncio.timeout(15), httpx2.AsyncClient(trust_env=False) as http:
            while not await _ready(http, f"http://127.0.0.1:{unused_port}/ready"):
                await asyncio.sleep(0.05)
    finally:
        await stopped(process)


async def _ready(http: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == 200
    except httpx2.TransportError:
        return False

"""The sandbox as a person meets it: started, used, killed, started again, stopped, reset."""

import asyncio
import base64
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from infra.sandbox.clerk import Clerk
from infra.sandbox.clerk_state import ClerkState
from infra.sandbox.engine import NoNativeEngine, chosen
from infra.sandbox.layout import DEVELOPERS, END_USERS, PARTS
from infra.sandbox.stripe.config import Config, Endpoint
from tests.infra.running import Sandbox
from tests.infra.stripe.sandbox import CONNECT_SECRET, GOOD, KEY, OWN_SECRET, running
from tests.serving import serving


def call(url: str, key: str, user: str = "alice") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": user}
    return httpx2.post(url + "/api/data", headers=headers, trust_env=False, timeout=10)


@asynccontextmanager
async def real_clerk(folder: Path, app: str) -> AsyncIterator[str]:
    """A Clerk app that is not the sandbox's own, and its address."""
    clerk = Clerk(app, ClerkState(folder / f"{app}.json"), "http://issuer.invalid", "sk_test_real")
    async with serving(clerk.app()) as url:
        clerk.issuer = url
        yield url


def clerk_keys(variable: str, url: str) -> str:
    host = base64.b64encode(b"clerk.example.com$").decode()
    return f"""
{variable}__PUBLISHABLE_KEY=pk_test_{host}
{variable}__SECRET_KEY=sk_test_real
{variable}__ISSUER={url}
{variable}__API_URL={url}/v1
"""


def children(first: int) -> list[int]:
    """The ports of a sandbox that something still listens on."""
    found = []
    for port in range(first, first + len(PARTS)):
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                found.append(port)
    return found


def test_a_taken_port_is_one_sentence_and_nothing_is_left_running(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "state")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", sandbox.first + 1))
        taken.listen()
        told = sandbox.start()
        assert sandbox.process.wait(20) == 1
    assert f"port {sandbox.first + 1}, meant for platform_api, is taken" in told
    assert children(sandbox.first) == []


def test_an_engine_that_can_not_be_had_is_replaced_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SANDBOX_ENGINE", raising=False)
    assert "moto, in memory" in chosen(tmp_path, 1, tmp_path / "data").told
    monkeypatch.setenv("SANDBOX_ENGINE", "native")
    with pytest.raises(NoNativeEngine, match="npm is not installed"):
        chosen(tmp_path, 1, tmp_path / "data")


def test_serves_a_metered_call_and_a_token_and_ends_with_its_children_however_often_it_is_told_to(
    tmp_path: Path,
) -> None:
    sandbox = Sandbox(tmp_path / "state")
    told = sandbox.start()
    try:
        found = re.search(r"pk_live_\w+", told)
        assert found, told
        assert call(sandbox.tenant, found.group()).json()["usage"]["count"] == 1
        token = sandbox.command("token", "user@example.com", "--app", "end-user-api").stdout.strip()
        answer = httpx2.get(
            sandbox.tenant + "/api/usage", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        assert (answer.status_code, answer.json()["plan"]) == (200, "free")
        assert "is running" in sandbox.command("reset").stderr
        for service in ("platform_api", "tenant_api"):
            reconciled = sandbox.command("command", service, "reconcile", "--dry-run")
            assert (reconciled.returncode, reconciled.stdout[:17]) == (0, "0 would be healed"), reconciled
        gate = httpx2.get(f"http://127.0.0.1:{sandbox.first + 3}/_gate/log", trust_env=False).json()["requests"]
        assert gate
        assert all(entry["allowed"] for entry in gate)
        assert (tmp_path / "state" / "secrets.json").stat().st_mode & 0o077 == 0
    finally:
        for how in (signal.SIGINT, signal.SIGTERM):  # what follows must not interrupt the first
            sandbox.process.send_signal(how)
            time.sleep(0.05)
        assert sandbox.stop() == 0
    assert children(sandbox.first) == []
    assert found.group() not in "".join(path.read_text() for path in (tmp_path / "state" / "logs").iterdir())
    assert sandbox.command("reset").returncode == 0
    assert list((tmp_path / "state").iterdir()) == []


def test_a_dead_part_is_one_sentence_and_ends_the_rest(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "state")
    sandbox.start()
    pid = subprocess.run(
        ["pgrep", "-f", f"infra.sandbox.gate --port {sandbox.first + 3}"], check=True, capture_output=True, text=True
    )
    os.kill(int(pid.stdout.split()[0]), signal.SIGKILL)
    assert sandbox.process.wait(40) == 1
    assert "gate ended by itself" in sandbox.output.read_text()
    assert children(sandbox.first) == []


async def test_with_keys_for_every_system_nothing_is_played_and_a_developer_pays_the_real_stripe(
    tmp_path: Path,
) -> None:
    sandbox = Sandbox(tmp_path / "state")
    port = dict(zip(PARTS, range(sandbox.first, sandbox.first + len(PARTS)), strict=True))
    platform, tenant = (f"http://127.0.0.1:{port[name]}" for name in ("platform_api", "tenant_api"))
    endpoint = Endpoint(platform + "/webhook/stripe", OWN_SECRET)
    async with (
        real_clerk(tmp_path, DEVELOPERS) as developers,
        real_clerk(tmp_path, END_USERS) as end_users,
        running(config=Config(webhooks=(endpoint,))) as stripe,
    ):
        price = await stripe.price(2900)
        sandbox.env_file.write_text(
            clerk_keys("DEVELOPER_CLERK", developers)
            + clerk_keys("END_USER_CLERK", end_users)
            + f"""
STRIPE__SECRET_KEY={KEY}
STRIPE__WEBHOOK_SECRET={OWN_SECRET}
STRIPE__API_URL={stripe.url}
STRIPE__CONNECT_URL={stripe.url}
STRIPE_PRICE_ID={price.id}
TENANT_STRIPE__SECRET_KEY={KEY}
TENANT_STRIPE__WEBHOOK_SECRET={CONNECT_SECRET}
TENANT_STRIPE__API_URL={stripe.url}
TENANT_STRIPE__CONNECT_URL={stripe.url}
CONNECT__SECRET_KEY={KEY}
CONNECT__CLIENT_ID=ca_dream
CONNECT__API_URL={stripe.url}
CONNECT__CONNECT_URL={stripe.url}
GITHUB__CLIENT_ID=real
GITHUB__CLIENT_SECRET=real
GITHUB__URL={stripe.url}
GITHUB__API_URL={stripe.url}
"""
        )
        told = await asyncio.to_thread(sandbox.start)
        try:
            assert "Left to you" in told, told
            ours = ("tenant_api", "platform_api", "oauth_bridge", "gate", "engine")
            assert children(sandbox.first) == sorted(port[name] for name in ours)
            assert "the real one" in sandbox.command("token", "dev@example.com").stderr
            async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
                asked = {"email": "dev@example.com", "template": DEVELOPERS, "origin": platform}
                jwt = (await http.post(developers + "/_sandbox/token", json=asked)).json()["jwt"]
                http.headers["Authorization"] = f"Bearer {jwt}"
                key = (await http.post(platform + "/generate-credentials")).json()["apiKey"]
                as_user = {"Authorization": f"Bearer {key}", "X-User-Id": "alice"}
                async with asyncio.timeout(20):
                    while (await http.post(tenant + "/api/data", headers=as_user)).status_code == 401:
                        await asyncio.sleep(0.1)
                checkout = (await http.post(platform + "/create-checkout")).json()["checkoutUrl"]
                assert checkout.startswith(stripe.url)
                await stripe.browser.post(checkout, data={"card": GOOD})
                assert (await stripe.control("settle", seconds=15))["settled"]
                assert (await http.get(platform + "/usage")).json()["limit"] == 500
        finally:
            assert await asyncio.to_thread(sandbox.stop) == 0


def test_live_keys_are_refused_before_anything_starts(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "state")
    sandbox.env_file.write_text("STRIPE__SECRET_KEY=sk_live_1\n")
    told = sandbox.start()
    assert sandbox.process.wait(20) == 1
    assert told.startswith("The sandbox can't go on:")
    assert "live keys (STRIPE__SECRET_KEY)" in told
    assert children(sandbox.first) == []


def test_starts_again_after_a_kill_with_what_the_native_engine_has_kept(tmp_path: Path) -> None:
    native = "DYNAMODB_ENDPOINT" in os.environ  # the run on the second engine, where there is one
    sandbox = Sandbox(tmp_path / "state", "native" if native else "moto")
    key = re.search(r"pk_live_\w+", sandbox.start())
    assert key
    assert call(sandbox.tenant, key.group()).json()["usage"]["count"] == 1
    assert sandbox.stop(signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while children(sandbox.first) and time.monotonic() < deadline:
        time.sleep(0.1)
    again = re.search(r"pk_live_\w+", sandbox.start())
    try:
        assert again
        assert (again.group() == key.group()) == native
        assert call(sandbox.tenant, again.group()).json()["usage"]["count"] == (2 if native else 1)
    finally:
        assert sandbox.stop() == 0

"""The command, and a state that survives whatever ends the process."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from infra.sandbox.stripe.config import Config, Endpoint
from tests.infra.stripe.sandbox import CONNECT_SECRET, OWN_SECRET, Receiver, Sandbox, connected, of, running, settled
from tests.serving import serving


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def command(state: Path, *more: str) -> AsyncIterator[tuple[Sandbox, subprocess.Popen[bytes]]]:
    port = free_port()
    arguments = ["-m", "infra.sandbox.stripe", "--port", str(port), "--state", str(state), *more]
    process = subprocess.Popen([sys.executable, *arguments], env=os.environ | {"PYTHONWARNINGS": "default"})
    sandbox = Sandbox(f"http://127.0.0.1:{port}")
    try:
        for _ in range(1000):
            try:
                assert (await sandbox.browser.get("/health")).status_code == 200
                break
            except httpx2.TransportError:
                await asyncio.sleep(0.02)
        yield sandbox, process
    finally:
        await sandbox.close()
        process.kill()
        process.wait()


async def test_a_killed_process_forgets_nothing_it_answered(tmp_path: Path) -> None:
    receiver = Receiver(OWN_SECRET)
    receiver.answers = [503] * 1000
    async with serving(receiver.app) as url:
        hook = f"--webhook={url}/hook={OWN_SECRET}"
        async with command(tmp_path / "deep" / "stripe.sqlite", hook) as (sandbox, process):
            subscription = await sandbox.subscribed((await sandbox.price()).id, customer_email="a@example.com")
            made = await sandbox.ask.customers.create_async({}, of(None, "k1"))
            await sandbox.advance(10)
            now = (await sandbox.look("clock"))["now"]
            process.send_signal(signal.SIGKILL)
            process.wait()
        receiver.answers = []
        async with command(tmp_path / "deep" / "stripe.sqlite", hook) as (sandbox, process):
            assert (await sandbox.subscription(subscription.id)).status == "active"
            assert (await sandbox.ask.customers.create_async({}, of(None, "k1"))).id == made.id
            assert (await sandbox.look("clock"))["now"] >= now
            await settled(sandbox, 10)
            assert len({event.id for event in receiver.events}) == 4
            await sandbox.advance(30)
            assert len((await sandbox.ask.invoices.list_async()).data) == 2
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) in {0, -signal.SIGTERM}


async def test_a_restart_keeps_connections_weather_and_what_is_held(tmp_path: Path) -> None:
    receiver = Receiver(CONNECT_SECRET)
    async with serving(receiver.app) as url:
        config = Config(connect_webhooks=(Endpoint(f"{url}/hook", CONNECT_SECRET),))
        async with running(tmp_path / "s.sqlite", config) as sandbox:
            await sandbox.control("weather", hold=True)
            account = await connected(sandbox)
            await sandbox.subscribed((await sandbox.price(account=account)).id, account)
        async with running(tmp_path / "s.sqlite", config) as sandbox:
            assert len((await sandbox.ask.subscriptions.list_async(None, of(account))).data) == 1
            assert (await sandbox.control("release"))["released"] == len(receiver.events) >= 4
            await sandbox.ask.customers.delete_async(
                (await sandbox.ask.customers.list_async(None, of(account))).data[0].id, None, of(account)
            )
            assert "customer.deleted" not in receiver.types


async def test_only_the_configured_key_application_and_address_are_taken(tmp_path: Path) -> None:
    config = Config(secret_key="sk_test_other", client_id="ca_other", redirect_uris=("http://a.test/cb",))
    async with running(tmp_path / "s.sqlite", config) as sandbox:
        assert (await sandbox.raw("GET", "/v1/account")).status_code == 401
        answer = await sandbox.raw("GET", "/v1/account", Authorization="Bearer sk_test_other")
        assert answer.json()["id"] == "acct_platform"
        asked = {"client_id": "ca_other", "response_type": "code", "scope": "read_write", "state": "s"}
        page = await sandbox.browser.get("/oauth/authorize", params=asked | {"redirect_uri": "http://a.test/cb"})
        assert page.status_code == 200
        for change in ({"redirect_uri": "http://a.test/cb/2"}, {"client_id": "ca_mine"}):
            page = await sandbox.browser.get(
                "/oauth/authorize", params=asked | {"redirect_uri": "http://a.test/cb"} | change
            )
            assert page.status_code == 400


def test_an_endpoint_is_an_address_and_a_secret() -> None:
    assert Endpoint.parse("http://a.test/hook?x=1=whsec_1") == Endpoint("http://a.test/hook?x=1", "whsec_1")
    for text in ("http://a.test/hook", "ftp://a=b", "http://a="):
        with pytest.raises(ValueError, match="URL=SECRET"):
            Endpoint.parse(text)

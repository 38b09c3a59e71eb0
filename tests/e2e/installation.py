"""An installation of real service processes on a real engine, for tests that kill, race and measure them."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import httpx2
from boto3.dynamodb.types import TypeSerializer
from cryptography.fernet import Fernet

from shared.domain import keys
from shared.domain.tiers import TierConfig
from shared.records import tenant_config
from tests.conftest import REGION
from tests.serving import serving
from tests.tokens import PARTY, Issuer

ROOT = Path(__file__).parents[2]
PORT_VARIABLES = {
    "platform_api": "PLATFORM_API_PORT",
    "tenant_api": "TENANT_API_PORT",
    "oauth_bridge": "OAUTH_BRIDGE_PORT",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Service:
    """One service process and its address."""

    name: str
    url: str
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.name], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        async with httpx2.AsyncClient(trust_env=False) as client:
            for _ in range(400):
                if self.process.poll() is not None:
                    break
                try:
                    if (await client.get(self.url + "/health")).status_code == 200:
                        return
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """SIGKILL, and it is gone when this returns."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        await asyncio.to_thread(self.process.wait, 30)
        self.process = None


@dataclass
class Installation:
    """Starts services that share the tables of `prefix`; `developers` and `end_users` are the two Clerk apps.

    `extra` are settings of every service started from then on.
    """

    endpoint: str
    prefix: str
    folder: Path
    developers: Issuer = field(default_factory=Issuer)
    end_users: Issuer = field(default_factory=Issuer)
    services: list[Service] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)
    credential_key: str = field(default_factory=lambda: Fernet.generate_key().decode())

    async def start(self, name: str, **variables: str) -> Service:
        """A service that answers; `variables` are settings of its environment."""
        port = free_port()
        environment = self._environment(name) | {PORT_VARIABLES[name]: str(port)} | variables
        log = self.folder / f"{name}-{port}.log"
        service = Service(name, f"http://127.0.0.1:{port}", environment, log)
        self.services.append(service)
        await service.start()
        return service

    def put(self, table: str, item: dict[str, object]) -> None:
        """Write one item past the services, where a test needs a starting point."""
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=self.endpoint)
        wire = {name: TypeSerializer().serialize(value) for name, value in item.items()}
        client.put_item(TableName=self.prefix + table, Item=wire)
        client.close()

    def platform(self, platform_id: str, tiers: TierConfig | None = None) -> str:
        """A platform that the tenant side knows, and its key."""
        key = keys.api_key(os.urandom(keys.RANDOM_BYTES))
        record = tenant_config.ApiKey(platform_id).to_item()
        self.put("tenant-tokens", tenant_config.api_key_key(keys.key_hash(key)) | record)
        if tiers is not None:
            item = tenant_config.tier_config_key(platform_id) | tenant_config.tier_config_to_item(tiers)
            self.put("tenant-tokens", item)
        return key

    def _environment(self, name: str) -> dict[str, str]:
        app = self.end_users if name == "tenant_api" else self.developers
        clerk = "END_USER_CLERK" if name == "tenant_api" else "DEVELOPER_CLERK"
        return {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": name,
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_REGION": REGION,
            "DYNAMODB_ENDPOINT": self.endpoint,
            "TABLE_PREFIX": self.prefix,
            f"{clerk}__PUBLISHABLE_KEY": app.clerk_app(app.url).publishable_key,
            f"{clerk}__SECRET_KEY": "sk_test_of_the_tests",
            f"{clerk}__ISSUER": app.url,
            f"{clerk}__API_URL": app.url + "/v1",
            f"{clerk}__AUTHORIZED_PARTIES": PARTY,
            "CREDENTIAL_KEYS": self.credential_key,
        } | self.extra


@asynccontextmanager
async def installation(endpoint: str, prefix: str, folder: Path) -> AsyncIterator[Installation]:
    """An installation whose Clerk apps are served; every process is ended when the test is."""
    installed = Installation(endpoint, prefix, folder)
    async with serving(installed.developers.app) as developers, serving(installed.end_users.app) as end_users:
        installed.developers.url, installed.end_users.url = developers, end_users
        try:
            yield installed
        finally:
            for service in installed.services:
                await service.stop(signal.SIGKILL)

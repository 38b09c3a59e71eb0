"""What a group of rows runs on: a store with a platform in it, the design's server, and the requests of its users.

Opened by infra.bench.__main__ once for all rows of one server; everything it starts ends with it.
"""

import base64
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.types import TypeSerializer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk, jwt

from infra.bench.processes import HOST, Cores, Process, free_port, running_on
from infra.bench.rows import CEILING, DELAYED, ENGINE, PLAIN, PRODUCT, REDIS, REFUSED, STANDING, TOKEN, USERS, Row
from infra.sandbox.engine import installed
from infra.sandbox.layout import REGION, STATE
from infra.tables import create_missing
from shared.domain import keys
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records import tenant_config

PREFIX = "bench-"
PLATFORM = "plt_" + "b" * 32
SMALL = 3  # the tier of users who are to be refused
KEY_ID = "bench"


@dataclass(frozen=True, slots=True)
class Stage:
    """One server on its store. `endpoint` is the store's address where it speaks DynamoDB."""

    server: Process
    store: Process | None
    endpoint: str | None
    issuer: str
    key: str
    signing_key: str
    counts: bool  # whether the store counts what it is asked
    cores: Cores


def signing_key() -> tuple[str, bytes]:
    """A key for the end-users' tokens, and its published form."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    published = jwk.construct(private, "RS256").public_key().to_dict() | {"kid": KEY_ID, "use": "sig"}
    return private, json.dumps({"keys": [published]}).encode()


@contextmanager
def staged(
    server: tuple[str, int, str, bool],
    delay: float,
    folder: Path,
    signing: tuple[str, bytes],
    profile: Path | None = None,
) -> Iterator[Stage]:
    """The processes of one server and its store, ready to be called."""
    design, workers, kind, one_core = server
    private, published = signing
    cores = Cores.shared_out(workers, one=one_core)
    with ExitStack() as closing:
        with running_on(cores.others):
            store = _store(kind, delay, folder, published)
        if store is not None:
            closing.callback(store.stop)
        endpoint = f"http://{HOST}:{store.port}" if store is not None and kind in {DELAYED, ENGINE} else None
        key = keys.api_key(os.urandom(keys.RANDOM_BYTES))
        if endpoint is not None:
            _seed(endpoint, key, tables=kind == ENGINE)
        port = free_port()
        issuer = endpoint or f"http://{HOST}"
        environment = _environment(workers, port, endpoint, issuer) | {
            "BENCH_REDIS_PORT": str(store.port if store is not None else 0)
        }
        log = folder / f"{design}-{workers}.log".replace(" ", "-")
        with running_on(cores.server):
            serving = Process(_command(design, workers, port, profile), port, environment, log)
        closing.callback(serving.stop)
        yield Stage(serving, store, endpoint, issuer, key, private, kind == DELAYED, cores)


def requests(stage: Stage, row: Row, name: str) -> list[str]:
    """The whole requests of a row's users, one each. `name` keeps the users of rows on one store apart."""
    tokens = _tokens(stage, name, USERS[row.users]) if row.calls == TOKEN else None
    method = "GET /api/usage" if row.calls == STANDING else "POST /api/data"
    found = []
    for number in range(USERS[row.users]):
        head = [f"{method} HTTP/1.1", f"Host: {HOST}", "Content-Length: 0"]
        if tokens is not None:
            head.append(f"Authorization: Bearer {tokens[number]}")
        else:
            head += [f"Authorization: Bearer {stage.key}", f"X-User-Id: user_{name}_{number}"]
        if row.calls == REFUSED:
            head.append("X-User-Plan: small")
        found.append("\r\n".join([*head, "", ""]))
    return found


def subject(row: Row, name: str, number: int) -> str:
    """Where a user's count is stored."""
    user = f"user_{name}_{number}"
    return {PRODUCT: f"usage:{PLATFORM}:{user}", PLAIN: f"usage:plain:{user}"}.get(row.design, f"usage:{user}")


def _store(kind: str, delay: float, folder: Path, published: bytes) -> Process | None:
    port, environment = free_port(), dict(os.environ)
    if kind == DELAYED:
        key_file = folder / "keys.json"
        key_file.write_bytes(published)
        command = [sys.executable, "-m", "infra.bench.store_server", "--port", str(port), "--delay", str(delay)]
        command += ["--keys", str(key_file)]
    elif kind == ENGINE:
        command = [str(installed(STATE / "engine")), "serve", "--host", HOST, "--port", str(port)]
    elif kind == REDIS:
        command = ["redis-server", "--bind", HOST, "--port", str(port), "--dir", str(folder), "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "everysec"]
    else:
        return None
    return Process(command, port, environment, folder / f"{kind}.log".replace(" ", "-"))


def _command(design: str, workers: int, port: int, profile: Path | None) -> list[str]:
    if design == PRODUCT and profile is not None and workers == 1:
        return [sys.executable, "-m", "infra.bench.profiled", str(profile)]
    if design == PRODUCT:
        return [sys.executable, "-m", "tenant_api"]
    which = {CEILING: "ceiling", PLAIN: "plain", REDIS: "redis"}[design]
    return [sys.executable, "-m", "infra.bench.rivals", which, "--port", str(port), "--workers", str(workers)]


def _environment(workers: int, port: int, endpoint: str | None, issuer: str) -> dict[str, str]:
    found = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "tenant_api",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "TABLE_PREFIX": PREFIX,
        "TENANT_API_PORT": str(port),
        "WORKERS": str(workers),
        "END_USER_CLERK__PUBLISHABLE_KEY": "pk_test_" + base64.b64encode(b"bench.example.com$").decode().rstrip("="),
        "END_USER_CLERK__SECRET_KEY": "sk_test_bench",
        "END_USER_CLERK__ISSUER": issuer,
    }
    return found if endpoint is None else found | {"DYNAMODB_ENDPOINT": endpoint}


def operator(endpoint: str) -> Any:
    """A client of the store itself, for what the bench prepares and checks."""
    return boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="operator",
        aws_secret_access_key="bench",  # noqa: S106 - of a store that checks none
    )


def _seed(endpoint: str, key: str, *, tables: bool) -> None:
    """The platform, its key and its tiers."""
    client = operator(endpoint)
    if tables:
        create_missing(client, PREFIX)
    free = Price(0, "usd", "month")
    tiers = TierConfig((Tier("free", "Free", -1, 1_000_000, free), Tier("small", "Small", SMALL, 1_000_000, free)), 1)

    def put(table: str, item: Mapping[str, Any]) -> None:
        wire = {name: TypeSerializer().serialize(value) for name, value in item.items()}
        client.put_item(TableName=PREFIX + table, Item=wire)

    record = tenant_config.ApiKey(PLATFORM).to_item()
    put("tenant-tokens", tenant_config.api_key_key(keys.key_hash(key)) | record)
    put("tenant-tokens", tenant_config.tier_config_key(PLATFORM) | tenant_config.tier_config_to_item(tiers))
    client.close()


def _tokens(stage: Stage, name: str, users: int) -> list[str]:
    now = int(time.time())
    claims = {"iat": now, "nbf": now - 5, "exp": now + 3600, "iss": stage.issuer, "platformId": PLATFORM}
    subjects = (f"user_{name}_{number}" for number in range(users))
    headers, key = {"kid": KEY_ID, "typ": "JWT"}, jwk.construct(stage.signing_key, "RS256")
    return [jwt.encode(claims | {"sub": sub}, key, "RS256", headers=headers) for sub in subjects]

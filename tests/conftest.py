"""Fixtures every test may ask for: a real DynamoDB engine on loopback and fresh tables."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from functools import cache
from secrets import token_hex
from typing import Any

import boto3
import botocore.session
import httpx
import httpx2
import pytest
from hypothesis import settings

from infra.sandbox import moto_engine
from infra.tables import TABLES, create_missing
from shared.adapters.dynamodb import Dynamo

REGION = "us-east-1"

os.environ.update(AWS_ACCESS_KEY_ID="operator", AWS_SECRET_ACCESS_KEY="tests", AWS_REGION=REGION)


# Rules are tried on a shared machine: how long one example takes says nothing about whether it holds.
settings.register_profile("dream-api", deadline=None)
settings.load_profile("dream-api")

# What a process reads once in its life, where the tests open clients by the hundred: all the world's certificates, for
# TLS that no test speaks, and the SDK's description of DynamoDB.
TRANSPORTS: tuple[Any, ...] = (httpx._transports.default, httpx2._transports.default)
for transports in TRANSPORTS:
    transports.create_ssl_context = cache(transports.create_ssl_context)
SDK: Any = botocore.session
SDK.create_loader = cache(SDK.create_loader)


def _only_loopback(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse every connection beyond this machine, whoever tries it."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1", "localhost"}:
        raise ConnectionRefusedError(f"a test tried to reach {address[0]}; tests talk to loopback only")


sys.addaudithook(_only_loopback)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The engine's address: DYNAMODB_ENDPOINT where it is set, else moto's server in this process."""
    given = os.environ.get("DYNAMODB_ENDPOINT")
    if given:
        yield given
        return
    with moto_engine.running() as url:
        yield url


@pytest.fixture
def prefix(endpoint: str) -> Iterator[str]:
    """The prefix of four tables of this test's own, empty and ready; gone afterwards, so the engine stays quick."""
    name = f"t{token_hex(6)}-"
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    create_missing(client, name)
    yield name
    for known in TABLES:
        client.delete_table(TableName=name + known.name)
    client.close()


@pytest.fixture
async def dynamo(endpoint: str) -> AsyncIterator[Dynamo]:
    opened = Dynamo(region=REGION, endpoint=endpoint)
    yield opened
    await opened.close()

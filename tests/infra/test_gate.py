"""The gate: a service that asks for more than its rights is refused by the engine itself, as in the cloud."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import httpx2
import pytest
from botocore.exceptions import ClientError

from infra.sandbox.gate import Gate
from tests.conftest import REGION
from tests.serving import serving

pytestmark = pytest.mark.store

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def client(service: str, url: str) -> Any:
    session = boto3.Session(aws_access_key_id=service, aws_secret_access_key="any", region_name=REGION)
    return session.client("dynamodb", endpoint_url=url)


@asynccontextmanager
async def gate(endpoint: str, prefix: str) -> AsyncIterator[str]:
    async with serving(Gate(endpoint, prefix).app()) as url:
        yield url


@pytest.mark.parametrize(
    ("service", "table", "operation"),
    [
        ("platform_api", "tenant-usage", "get_item"),
        ("tenant_api", "platform-tokens", "get_item"),
        ("oauth_bridge", "platform-tokens", "put_item"),
        ("oauth_bridge", "tenant-usage", "get_item"),
        ("somebody", "tenant-usage", "get_item"),
    ],
)
async def test_refuses_what_is_not_granted(
    endpoint: str, prefix: str, service: str, table: str, operation: str
) -> None:
    async with gate(endpoint, prefix) as url:
        asking = client(service, url)
        arguments: dict[str, Any] = {"Item": KEY} if operation == "put_item" else {"Key": KEY}
        with pytest.raises(ClientError) as refused:
            await asyncio.to_thread(getattr(asking, operation), TableName=prefix + table, **arguments)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        asking.close()


async def test_refuses_a_scan_to_everybody(endpoint: str, prefix: str) -> None:
    async with gate(endpoint, prefix) as url:
        asking = client("tenant_api", url)
        with pytest.raises(ClientError):
            await asyncio.to_thread(asking.scan, TableName=prefix + "tenant-usage")
        asking.close()


async def test_passes_on_what_is_granted_and_tells_who_did_what(endpoint: str, prefix: str) -> None:
    async with gate(endpoint, prefix) as url, httpx2.AsyncClient(trust_env=False) as http:
        asking = client("tenant_api", url)
        await asyncio.to_thread(asking.put_item, TableName=prefix + "tenant-usage", Item=KEY)
        found = await asyncio.to_thread(asking.get_item, TableName=prefix + "tenant-usage", Key=KEY)
        assert found["Item"] == KEY
        log = (await http.get(url + "/_gate/log")).json()["requests"]
        assert {(entry["service"], entry["operation"], entry["allowed"]) for entry in log} == {
            ("tenant_api", "PutItem", True),
            ("tenant_api", "GetItem", True),
        }
        asking.close()


async def test_an_engine_that_is_down_is_a_503() -> None:
    async with serving(Gate("http://127.0.0.1:9").app()) as url, httpx2.AsyncClient(trust_env=False) as http:
        headers = {"x-amz-target": "DynamoDB_20120810.GetItem", "authorization": "AWS4 Credential=operator/x"}
        assert (await http.post(url, content=b"{}", headers=headers)).status_code == 503

"""The four tables as they are created."""

import boto3
import pytest

from infra.tables import TABLES, create_missing
from tests.conftest import REGION

pytestmark = pytest.mark.store


def test_creating_again_changes_nothing_and_every_table_expires_its_items(endpoint: str, prefix: str) -> None:
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    assert create_missing(client, prefix) == []
    for table in TABLES:
        found = client.describe_table(TableName=prefix + table.name)["Table"]
        assert [(key["AttributeName"], key["KeyType"]) for key in found["KeySchema"]] == [
            ("pk", "HASH"),
            ("sk", "RANGE"),
        ]
        ttl = client.describe_time_to_live(TableName=prefix + table.name)["TimeToLiveDescription"]
        assert ttl["AttributeName"] == "expiresAt"
    client.close()

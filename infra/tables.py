"""The four DynamoDB tables, as data. Everything that creates tables (sandbox, tests, deployment) reads this file.

Called by infra.sandbox, the tests' fixtures and the deployment templates; never by production code.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION_KEY = "pk"
SORT_KEY = "sk"
TTL_ATTRIBUTE = "expiresAt"


@dataclass(frozen=True, slots=True)
class Table:
    """One namespace. `owner` is the only package that may write it beside what infra/access.py grants."""

    name: str
    owner: str
    holds: str


PLATFORM_USAGE = Table("platform-usage", "platform_api", "developers' usage counts and webhook events")
PLATFORM_TOKENS = Table("platform-tokens", "platform_api", "developers' credentials and their outbox")
TENANT_USAGE = Table("tenant-usage", "tenant_api", "end-users' usage counts and webhook events")
TENANT_TOKENS = Table("tenant-tokens", "tenant_api", "what the tenant API needs to know of a developer")

TABLES = (PLATFORM_USAGE, PLATFORM_TOKENS, TENANT_USAGE, TENANT_TOKENS)


def create_arguments(table: Table, prefix: str = "") -> dict[str, Any]:
    """The arguments of CreateTable for one table; `prefix` keeps several installations apart in one account."""
    return {
        "TableName": prefix + table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": PARTITION_KEY, "AttributeType": "S"},
            {"AttributeName": SORT_KEY, "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
            {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
        ],
    }


def create_missing(client: "DynamoDBClient", prefix: str = "") -> list[str]:
    """Create the tables that are not there yet and return their names; safe to repeat.

    Point-in-time recovery and deletion protection belong to the deployed tables and are set by the deployment.
    """
    created = []
    for table in TABLES:
        try:
            client.create_table(**create_arguments(table, prefix))
        except client.exceptions.ResourceInUseException:
            continue
        created.append(prefix + table.name)
        client.update_time_to_live(
            TableName=prefix + table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE},
        )
    return created

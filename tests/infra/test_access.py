"""The table of rights: nobody gets what the design does not give, and nobody gets a Scan."""

import pytest

from infra.access import RIGHTS, refusal
from infra.tables import TABLES

OPERATIONS = ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"]
BATCHES = ["BatchGetItem", "BatchWriteItem"]
COUNTING = [*OPERATIONS, "PartiQLUpdate"]
GRANTED = {
    ("platform_api", "platform-usage"): set(COUNTING),
    ("platform_api", "platform-tokens"): set(OPERATIONS),
    ("tenant_api", "tenant-usage"): {*COUNTING, *BATCHES},
    ("tenant_api", "tenant-tokens"): {*OPERATIONS, "BatchGetItem"},
    ("oauth_bridge", "platform-tokens"): {"GetItem", "Query"},
    ("oauth_bridge", "tenant-tokens"): set(OPERATIONS),
}


@pytest.mark.parametrize("service", RIGHTS)
@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_service_may_do_exactly_what_the_design_says(service: str, table: str) -> None:
    for operation in [*COUNTING, *BATCHES, "PartiQLDelete", "Scan", "ExecuteStatement", "DeleteTable", "CreateTable"]:
        request: dict[str, object] = {"RequestItems": {table: []}} if operation in BATCHES else {"TableName": table}
        allowed = refusal(service, operation, request) is None
        assert allowed == (operation in GRANTED.get((service, table), set())), (service, operation, table)


def test_a_transaction_needs_the_rights_of_all_its_parts() -> None:
    parts = [{"Put": {"TableName": "tenant-tokens"}}, {"Put": {"TableName": "platform-tokens"}}]
    assert refusal("oauth_bridge", "TransactWriteItems", {"TransactItems": parts[:1]}) is None
    told = refusal("oauth_bridge", "TransactWriteItems", {"TransactItems": parts})
    assert told == "oauth_bridge may not PutItem on platform-tokens"


def test_a_batch_needs_the_right_on_all_its_tables() -> None:
    both: dict[str, object] = {"RequestItems": {"tenant-usage": [], "platform-usage": []}}
    assert refusal("tenant_api", "BatchGetItem", both) == "tenant_api may not BatchGetItem on platform-usage"


@pytest.mark.parametrize(
    ("service", "statement", "told"),
    [
        ("tenant_api", 'UPDATE "tenant-usage" SET "a" = ? WHERE "pk" = ?', None),
        ("tenant_api", 'update  "platform-usage" set "a" = ?', "tenant_api may not PartiQLUpdate on platform-usage"),
        ("tenant_api", 'UPDATE "tenant-tokens" SET "a" = ?', "tenant_api may not PartiQLUpdate on tenant-tokens"),
        ("tenant_api", 'DELETE FROM "tenant-usage"', "tenant_api may not PartiQLDelete on tenant-usage"),
        (
            "tenant_api",
            "INSERT INTO \"tenant-usage\" VALUE {'pk': 1}",
            "tenant_api may not PartiQLInsert on tenant-usage",
        ),
        ("tenant_api", 'SELECT * FROM "tenant-usage"', "tenant_api may not PartiQLSelect on tenant-usage"),
        ("platform_api", 'UPDATE "platform-usage" SET "a" = ?', None),
        ("oauth_bridge", 'UPDATE "tenant-usage" SET "a" = ?', "oauth_bridge may not PartiQLUpdate on tenant-usage"),
        ("tenant_api", "UPDATE tenant-usage SET a = 1", "can't be read"),
        ("tenant_api", 'FROM "tenant-usage" WHERE "pk" = 1 SET "a" = 1', "can't be read"),
        ("tenant_api", '-- UPDATE "tenant-usage"\nDELETE FROM "tenant-usage"', "can't be read"),
    ],
)
def test_a_batch_needs_the_right_of_each_statement_on_its_table(service: str, statement: str, told: str | None) -> None:
    allowed = (
        [{"Statement": f'UPDATE "{service.removesuffix("_api")}-usage" SET "a" = ?'}]
        if service != "oauth_bridge"
        else []
    )
    found = refusal(service, "BatchExecuteStatement", {"Statements": [*allowed, {"Statement": statement}]})
    assert (found is None) == (told is None)
    assert (told or "") in (found or "")


def test_an_empty_batch_and_a_statement_of_its_own_are_refused() -> None:
    assert refusal("tenant_api", "BatchExecuteStatement", {"Statements": []}) is not None
    assert refusal("tenant_api", "ExecuteStatement", {"Statement": 'UPDATE "tenant-usage" SET "a" = 1'}) is not None


@pytest.mark.parametrize("request_", [{}, {"TransactItems": []}, {"TableName": "users"}])
def test_a_request_without_a_table_of_ours_is_refused(request_: dict[str, object]) -> None:
    assert refusal("tenant_api", "TransactWriteItems", request_) is not None
    assert refusal("tenant_api", "GetItem", request_) is not None


def test_a_stranger_is_refused() -> None:
    assert refusal("somebody", "GetItem", {"TableName": "tenant-usage"}) is not None


def test_tables_of_another_installation_are_refused() -> None:
    assert refusal("tenant_api", "GetItem", {"TableName": "mine-tenant-usage"}, "mine-") is None
    assert refusal("tenant_api", "GetItem", {"TableName": "tenant-usage"}, "mine-") is not None

"""Everything as a new operator does it, in an emulated AWS: what is created there is listed and compared.

The emulator has no CloudFormation for secrets, autoscaling, metric filters and alarms, and ignores TTL and recovery:
test_templates.py looks at those in the template. The secrets are made here as CloudFormation would.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import httpx2
import pytest

from infra.access import RIGHTS
from infra.deploy.__main__ import main
from infra.deploy.data_stack import secret_name
from infra.deploy.parts import SERVICES
from infra.sandbox.with_engine import free_port, wait_for
from infra.tables import TABLES
from tests.infra.deploy.example import written

REGION = "eu-central-1"
ACCOUNT = "123456789012"
SECRETS = "DEVELOPER_CLERK__SECRET_KEY=sk_test_developers\nEND_USER_CLERK__SECRET_KEY=sk_test_users\n"


class Operator:
    """Somebody at a terminal, with an environment's file."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def runs(self, command: str, *more: str) -> tuple[int, str]:
        code = main([command, "staging", "--folder", str(self.folder), *more])
        told = self._capsys.readouterr()
        return code, told.out + told.err

    def secrets_exist(self) -> None:
        client = boto3.client("secretsmanager", region_name=REGION)
        for service in SERVICES:
            client.create_secret(Name=secret_name(service, "staging"))
        client.close()


def listed(service: str, operation: str, **arguments: Any) -> Any:
    session: Any = boto3.Session(region_name=REGION)
    client = session.client(service)
    try:
        return getattr(client, operation)(**arguments)
    finally:
        client.close()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulated AWS in a process of its own, so that its state is nobody else's."""
    port = free_port()
    log = (tmp_path_factory.mktemp("emulator") / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.sandbox.moto_engine", "--port", str(port)], stdout=log, stderr=log
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture
def operator(
    emulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operator:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    httpx2.post(emulator + "/moto-api/reset", trust_env=False)
    certificate = listed("acm", "request_certificate", DomainName="example.com")["CertificateArn"]
    return Operator(written(tmp_path, (_certificate(), certificate)), capsys)


def _certificate() -> str:
    return f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"


def test_from_nothing_to_running_and_a_second_time_nothing_changes(operator: Operator, tmp_path: Path) -> None:
    code, told = operator.runs("deploy")
    assert (code, "dream-api-staging-data: created" in told) == (1, True)
    operator.secrets_exist()
    code, told = operator.runs("deploy")
    assert code == 1
    assert "oauth_bridge DEVELOPER_CLERK__SECRET_KEY" in told
    assert "STRIPE" not in told  # payments may be left out
    assert "make secrets ENV=staging" in told
    source = tmp_path / "values"
    source.write_text(SECRETS)
    code, told = operator.runs("secrets", "--from", str(source))
    assert (code, "sk_test" in told, "missing" in told) == (0, False, False)
    code, told = operator.runs("deploy")
    assert code == 0, told
    assert "dream-api-staging-services: created" in told
    assert "elb.amazonaws.com" in told

    _tables_are_those_of_the_code()
    _roles_have_exactly_the_rights()
    _services_are_three_behind_one_balancer()
    _values_are_where_the_tasks_look(SECRETS)

    assert operator.runs("diff") == (0, "No change.\n")
    code, told = operator.runs("deploy")
    assert (code, told.count("unchanged"), "created" in told, "updated" in told) == (0, 3, False, False)
    code, told = operator.runs("deploy", "--image", "registry.example.com/dream-api:2")
    assert (code, told.count("unchanged"), told.count("updated")) == (0, 2, 1)
    code, told = operator.runs("restart")
    assert (code, told.count("being replaced")) == (0, 3)
    code, told = operator.runs("destroy")
    assert (code, "staging is protected" in told) == (1, True)
    assert len(listed("dynamodb", "list_tables")["TableNames"]) == len(TABLES)


def _tables_are_those_of_the_code() -> None:
    assert set(listed("dynamodb", "list_tables")["TableNames"]) == {f"staging-{table.name}" for table in TABLES}
    for table in TABLES:
        found = listed("dynamodb", "describe_table", TableName=f"staging-{table.name}")["Table"]
        assert [key["AttributeName"] for key in found["KeySchema"]] == ["pk", "sk"]
        assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert found["DeletionProtectionEnabled"] in {True, "true"}


def _roles_have_exactly_the_rights() -> None:
    roles = {role["RoleName"] for role in listed("iam", "list_roles")["Roles"]}
    assert roles == {f"dream-api-staging-{name}" for name in (*RIGHTS, "execution")}
    for package, rights in RIGHTS.items():
        name = f"dream-api-staging-{package}"
        assert listed("iam", "list_role_policies", RoleName=name)["PolicyNames"] == ["rights"]
        assert listed("iam", "list_attached_role_policies", RoleName=name)["AttachedPolicies"] == []
        document = listed("iam", "get_role_policy", RoleName=name, PolicyName="rights")["PolicyDocument"]
        # The emulator keeps it as Python writes a dict.
        statements = (ast.literal_eval(unquote(document)) if isinstance(document, str) else document)["Statement"]
        granted = {(one["Resource"], action) for one in statements for action in one["Action"]}
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/staging-"
        assert granted == {(arn + table, f"dynamodb:{one}") for table, ones in rights.items() for one in ones}


def _services_are_three_behind_one_balancer() -> None:
    names = [service.slug for service in SERVICES]
    found = listed("ecs", "describe_services", cluster="dream-api-staging", services=names)["services"]
    assert {service["serviceName"] for service in found} == set(names)
    for service in found:
        task = listed("ecs", "describe_task_definition", taskDefinition=service["taskDefinition"])["taskDefinition"]
        (container,) = task["containerDefinitions"]
        assert container["readonlyRootFilesystem"] is True
        assert all(secret["valueFrom"].startswith("arn:aws:secretsmanager:") for secret in container["secrets"])
    (balancer,) = listed("elbv2", "describe_load_balancers")["LoadBalancers"]
    listeners = listed("elbv2", "describe_listeners", LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    secure = next(one for one in listeners if one["Port"] == 443)
    rules = listed("elbv2", "describe_rules", ListenerArn=secure["ListenerArn"])["Rules"]
    hosts = {value for rule in rules for one in rule["Conditions"] for value in one["HostHeaderConfig"]["Values"]}
    assert hosts == {"platform.example.com", "api.example.com", "connect.example.com"}
    groups = {group["logGroupName"] for group in listed("logs", "describe_log_groups")["logGroups"]}
    assert groups == {f"/dream-api/staging/{service.package}" for service in SERVICES}


def _values_are_where_the_tasks_look(given: str) -> None:
    bridge, platform = (_stored(package) for package in ("oauth_bridge", "platform_api"))
    assert f"DEVELOPER_CLERK__SECRET_KEY={bridge['DEVELOPER_CLERK__SECRET_KEY']}" in given
    assert len(platform["CREDENTIAL_KEYS"]) == 44  # made up, since nobody gave one
    assert platform["STRIPE__SECRET_KEY"] == ""


def _stored(package: str) -> dict[str, str]:
    answer = listed("secretsmanager", "get_secret_value", SecretId=f"dream-api/staging/{package}")
    values: dict[str, str] = json.loads(answer["SecretString"])
    return values


def test_an_unprotected_environment_goes_and_what_is_kept_is_named(operator: Operator) -> None:
    """As far as the data stack: the emulator does not delete a network whose parts hang together."""
    file = operator.folder / "staging.toml"
    file.write_text(file.read_text().replace("protected = true", "protected = false"))
    operator.secrets_exist()
    operator.runs("deploy")
    code, told = operator.runs("destroy")
    assert code == 0, told
    assert "dream-api-staging-data: deleted" in told
    assert "dream-api-staging-services: not there" in told
    assert "staging-tenant-usage" in told
    assert operator.runs("destroy") == (1, "Nothing of staging is deployed in this region.\n")


def test_tables_that_belong_to_no_stack_are_not_taken_over(operator: Operator) -> None:
    client = boto3.client("dynamodb", region_name=REGION)
    client.create_table(
        TableName="staging-tenant-usage",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    client.close()
    code, told = operator.runs("deploy")
    assert code == 1
    assert "belong to no stack: staging-tenant-usage" in told


def test_missing_credentials_are_one_sentence(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    code, told = operator.runs("deploy")
    assert (code, told) == (
        1,
        "AWS credentials are missing: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.\n",
    )


def test_a_secret_that_is_none_of_ours_is_refused_by_its_line(operator: Operator, tmp_path: Path) -> None:
    source = tmp_path / "values"
    source.write_text("# mine\nSTRIPE_KEY=sk_test_x\n")
    code, told = operator.runs("secrets", "--from", str(source))
    assert (code, "line 2: 'STRIPE_KEY' is no secret of ours" in told, "sk_test_x" in told) == (1, True, False)

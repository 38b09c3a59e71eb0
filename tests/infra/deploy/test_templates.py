"""The rendered templates equal the tables and the rights, hold what protects them, and are clean for cfn-lint."""

import json
from typing import Any

import pytest
from cfnlint.api import lint

from infra.access import RIGHTS
from infra.deploy import data_stack, service_stack, watch_stack
from infra.deploy.balancer import DEREGISTRATION_SECONDS, IDLE_SECONDS
from infra.deploy.parts import SERVICES
from infra.deploy.roles import table_arn
from infra.deploy.tasks import STOP_SECONDS
from infra.deploy.variables import DRAIN_SECONDS
from infra.tables import PARTITION_KEY, SORT_KEY, TABLES, TTL_ATTRIBUTE
from shared.billing.events import WORK_SECONDS
from shared.web.serve import KEEP_ALIVE_SECONDS

MODULES = (data_stack, service_stack, watch_stack)
MOST_BYTES = 51_200  # what CloudFormation takes without a bucket


def of_kind(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one for one in template["Resources"].values() if one["Type"] == kind]


@pytest.mark.parametrize("module", MODULES, ids=lambda one: one.__name__)
def test_cfn_lint_finds_nothing_and_the_text_fits(module: Any) -> None:
    text = json.dumps(module.template(), separators=(",", ":"))
    assert len(text) < MOST_BYTES
    assert [str(match) for match in lint(text)] == []


def test_the_tables_are_those_of_the_code_and_protected_in_every_way() -> None:
    found = {
        one["Properties"]["TableName"]["Fn::Sub"]: one for one in of_kind(data_stack.template(), "AWS::DynamoDB::Table")
    }
    assert set(found) == {f"${{Environment}}-{table.name}" for table in TABLES}
    for table in found.values():
        properties = table["Properties"]
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        keys = [(key["AttributeName"], key["KeyType"]) for key in properties["KeySchema"]]
        assert keys == [(PARTITION_KEY, "HASH"), (SORT_KEY, "RANGE")]
        assert properties["TimeToLiveSpecification"] == {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert properties["DeletionProtectionEnabled"] == {"Ref": "Protected"}
    assert data_stack.template()["Parameters"]["Protected"]["Default"] == "true"
    denied = next(one for one in data_stack.POLICY["Statement"] if one["Effect"] == "Deny")
    assert denied["Action"] == ["Update:Replace", "Update:Delete"]
    assert "AWS::DynamoDB::Table" in denied["Condition"]["StringEquals"]["ResourceType"]


def test_secrets_hold_no_value_and_outlive_their_stack() -> None:
    secrets = of_kind(data_stack.template(), "AWS::SecretsManager::Secret")
    assert len(secrets) == len(SERVICES)
    for secret in secrets:
        assert (secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert not {"SecretString", "GenerateSecretString"} & secret["Properties"].keys()


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.package)
def test_a_role_has_exactly_the_rights_of_its_service(service: Any) -> None:
    role = service_stack.template()["Resources"][f"{service.logical}Role"]["Properties"]
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    granted = {
        (statement["Resource"]["Fn::Sub"], action)
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    wanted = {
        (table_arn(table), f"dynamodb:{operation}")
        for table, operations in RIGHTS[service.package].items()
        for operation in operations
    }
    assert granted == wanted
    assert all(statement["Effect"] == "Allow" for statement in policy["PolicyDocument"]["Statement"])
    told = json.dumps(policy)
    assert "*" not in told
    assert "Scan" not in told


def test_only_the_login_to_the_registry_is_granted_on_everything() -> None:
    role = service_stack.template()["Resources"]["ExecutionRole"]["Properties"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert [one["Action"] for one in statements if one["Resource"] == "*"] == [["ecr:GetAuthorizationToken"]]
    assert not [action for one in statements for action in one["Action"] if "*" in action or "dynamodb" in action]
    secrets = next(one["Resource"] for one in statements if one["Action"] == ["secretsmanager:GetSecretValue"])
    assert secrets == [{"Ref": service.secret} for service in SERVICES]


def test_every_service_runs_twice_at_least_behind_its_own_host_name() -> None:
    template = service_stack.template()
    assert len(of_kind(template, "AWS::ECS::Service")) == len(SERVICES)
    for service in SERVICES:
        resources = template["Resources"]
        scale = resources[f"{service.logical}Scale"]["Properties"]
        assert scale["MinCapacity"] == {"Ref": "LeastTasks"}
        assert resources[f"{service.logical}Scaling"]["Properties"]["PolicyType"] == "TargetTrackingScaling"
        (condition,) = resources[f"{service.logical}Rule"]["Properties"]["Conditions"]
        assert condition["HostHeaderConfig"]["Values"] == [{"Ref": service.host}]
        deployment = resources[service.logical]["Properties"]["DeploymentConfiguration"]
        assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        assert deployment["MinimumHealthyPercent"] == 100
        assert resources[f"{service.logical}Targets"]["Properties"]["HealthCheckPath"] == "/health"
    assert template["Parameters"]["LeastTasks"] == {"Type": "Number", "MinValue": 2, "Default": 2}


def test_a_container_runs_as_nobody_on_a_root_that_can_not_be_written() -> None:
    for service in SERVICES:
        task = service_stack.template()["Resources"][f"{service.logical}Task"]
        (container,) = task["Properties"]["ContainerDefinitions"]
        assert container["ReadonlyRootFilesystem"] is True
        assert container["User"] not in {"", "0", "root"}
        assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert container["StopTimeout"] == STOP_SECONDS
        assert container["Command"] == [service.package]
        assert task["Properties"]["TaskRoleArn"] == {"Fn::GetAtt": [f"{service.logical}Role", "Arn"]}
        assert task["Properties"]["ExecutionRoleArn"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}


def test_time_outs_fit_into_one_another() -> None:
    assert KEEP_ALIVE_SECONDS > IDLE_SECONDS  # the balancer ends idle connections first
    assert DRAIN_SECONDS < STOP_SECONDS <= 120  # Fargate's most
    assert DEREGISTRATION_SECONDS > WORK_SECONDS  # the longest request


def test_tasks_are_reached_by_the_load_balancer_only_and_the_store_by_its_own_way() -> None:
    template = service_stack.template()
    (ingress,) = template["Resources"]["TaskSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    assert ingress["SourceSecurityGroupId"] == {"Fn::GetAtt": ["BalancerSecurityGroup", "GroupId"]}
    assert "CidrIp" not in ingress
    (endpoint,) = of_kind(template, "AWS::EC2::VPCEndpoint")
    assert endpoint["Properties"]["ServiceName"] == {"Fn::Sub": "com.amazonaws.${AWS::Region}.dynamodb"}


def test_every_alarm_of_the_issue_is_there_and_told_to_somebody() -> None:
    resources = watch_stack.template()["Resources"]
    alarms = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    wanted = {f"{service.logical}{what}Alarm" for service in SERVICES for what in ("5xx", "P99", "Down", "Drift")}
    wanted |= {f"{table}ThrottledAlarm" for table in ("PlatformUsage", "PlatformTokens", "TenantUsage", "TenantTokens")}
    wanted |= {"PlatformApiWebhookFailedAlarm", "TenantApiWebhookFailedAlarm", "OauthBridgeSyncLagAlarm"}
    assert wanted <= alarms.keys()
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in alarms.values())
    for service in SERVICES:
        retention = data_stack.template()["Resources"][f"{service.logical}Logs"]["Properties"]["RetentionInDays"]
        assert retention == {"Ref": "LogDays"}


def test_the_dashboard_is_json() -> None:
    (dashboard,) = of_kind(watch_stack.template(), "AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard["Properties"]["DashboardBody"]["Fn::Sub"][0])["widgets"]
    assert len(widgets) > 6
    assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets)

"""The stack that outlives everything: the four tables, the services' secrets (never their values), their logs.

Tables come from infra/tables.py. All are retained when the stack goes, and the tables protect themselves.
"""

import re
from typing import Any

from infra.deploy.parts import SERVICES, Resources, Service, ref, sub
from infra.deploy.variables import secrets_of
from infra.tables import TABLES, TTL_ATTRIBUTE, Table, create_arguments

RECOVERY_DAYS = 35

# A change that would replace or delete a table is refused by CloudFormation itself.
POLICY: dict[str, Any] = {
    "Statement": [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": ["Update:Replace", "Update:Delete"],
            "Principal": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"ResourceType": ["AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"]}},
        },
    ]
}


def template() -> dict[str, Any]:
    resources: Resources = {_logical(table.name): _table(table) for table in TABLES}
    resources |= {f"{service.logical}Secret": _secret(service) for service in SERVICES}
    resources |= {f"{service.logical}Logs": _logs(service) for service in SERVICES}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "dream-api, what outlives every deployment: tables and secrets",
        "Parameters": {
            "Environment": {"Type": "String", "AllowedPattern": "[a-z][a-z0-9-]{1,15}"},
            "Protected": {"Type": "String", "AllowedValues": ["true", "false"], "Default": "true"},
            "LogDays": {"Type": "Number", "AllowedValues": [7, 14, 30, 60, 90, 180, 365], "Default": 30},
        },
        "Resources": resources,
    }


def secret_name(service: Service, environment: str) -> str:
    return f"dream-api/{environment}/{service.package}"


def _logical(table: str) -> str:
    return "".join(part.capitalize() for part in re.split("-", table)) + "Table"


def _table(table: Table) -> dict[str, Any]:
    arguments = create_arguments(table)
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            **arguments,
            "TableName": sub(f"${{Environment}}-{arguments['TableName']}"),
            "TimeToLiveSpecification": {"AttributeName": TTL_ATTRIBUTE, "Enabled": True},
            "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": True,
                "RecoveryPeriodInDays": RECOVERY_DAYS,
            },
            "DeletionProtectionEnabled": ref("Protected"),
        },
    }


def _secret(service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::SecretsManager::Secret",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Name": sub(secret_name(service, "${Environment}")),
            "Description": f"{service.package}: {', '.join(secrets_of(service))}"[:2048],
        },
    }


def _logs(service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"LogGroupName": sub(service.log_group), "RetentionInDays": ref("LogDays")},
    }

"""The stack that every deployment changes: network, load balancer, roles, services."""

from typing import Any

from infra.deploy import balancer, network, roles, tasks
from infra.deploy.parts import BALANCER, SERVICES, Resources, att, export, ref, sub, targets_export

_NUMBERS = {"Type": "Number"}

PARAMETERS: dict[str, dict[str, Any]] = {
    "Environment": {"Type": "String", "AllowedPattern": "[a-z][a-z0-9-]{1,15}"},
    "Protected": {"Type": "String", "AllowedValues": ["true", "false"], "Default": "true"},
    "Image": {"Type": "String"},
    "ImageRepository": {"Type": "String"},
    "CertificateArn": {"Type": "String"},
    **{service.secret: {"Type": "String"} for service in SERVICES},
    "PlatformHost": {"Type": "String"},
    "TenantHost": {"Type": "String"},
    "BridgeHost": {"Type": "String"},
    "DeveloperPublishableKey": {"Type": "String"},
    "EndUserPublishableKey": {"Type": "String"},
    "EndUserAuthorizedParties": {"Type": "String", "Default": ""},
    "StripePriceId": {"Type": "String", "Default": ""},
    "ApplicationFeePercent": {"Type": "String", "Default": ""},
    "ConnectClientId": {"Type": "String", "Default": ""},
    "GitHubClientId": {"Type": "String", "Default": ""},
    "SecretScanningKeysUrl": {"Type": "String", "Default": ""},
    "RegistrationEnabled": {"Type": "String", "AllowedValues": ["true", "false"], "Default": "false"},
    "LogLevel": {"Type": "String", "AllowedValues": ["INFO", "WARNING"], "Default": "INFO"},
    "TracesEndpoint": {"Type": "String", "Default": ""},
    "TracesShare": _NUMBERS | {"MinValue": 0, "MaxValue": 1, "Default": 1},
    "CpuArchitecture": {"Type": "String", "AllowedValues": ["X86_64", "ARM64"], "Default": "X86_64"},
    "TaskCpu": {"Type": "String", "AllowedValues": ["256", "512", "1024", "2048", "4096"], "Default": "512"},
    "TaskMemory": {"Type": "String", "AllowedValues": ["1024", "2048", "4096", "8192"], "Default": "1024"},
    "Workers": _NUMBERS | {"MinValue": 1, "MaxValue": 8, "Default": 1},
    "LeastTasks": _NUMBERS | {"MinValue": 2, "Default": 2},
    "MostTasks": _NUMBERS | {"MinValue": 2, "Default": 10},
}


def template() -> dict[str, Any]:
    resources: Resources = {}
    for part in (network, balancer, roles, tasks):
        resources |= part.resources()
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "dream-api, the services",
        "Parameters": PARAMETERS,
        "Resources": resources,
        "Outputs": {
            "BalancerAddress": {"Value": att("Balancer", "DNSName")},
            **{service.host: {"Value": sub(f"https://${{{service.host}}}")} for service in SERVICES},
            "BalancerName": _offered(_last_of_arn("Balancer", "loadbalancer/", 1), BALANCER),
            **{
                f"{service.logical}TargetsName": _offered(
                    _last_of_arn(f"{service.logical}Targets", ":", 5), targets_export(service)
                )
                for service in SERVICES
            },
        },
    }


def _offered(value: Any, name: str) -> dict[str, Any]:
    return {"Value": value, "Export": {"Name": export(name)}}


def _last_of_arn(resource: str, split_at: str, index: int) -> dict[str, Any]:
    """The name that metrics know it by; the attributes that say it are missing in the emulator."""
    return {"Fn::Select": [index, {"Fn::Split": [split_at, ref(resource)]}]}

"""What a container is given is what its service can start with, and everything secret comes from its secret."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.fernet import Fernet
from pydantic import BaseModel, SecretStr

import oauth_bridge.settings
import platform_api.settings
import tenant_api.settings
from infra.deploy import service_stack
from infra.deploy.environment import Environment
from infra.deploy.parts import BRIDGE, PLATFORM, SERVICES, TENANT, Service
from infra.deploy.stacks import services
from infra.deploy.variables import plain_of, secrets_of
from shared.settings import ServiceSettings
from tests.infra.deploy.example import ENVIRONMENT

SETTINGS: dict[str, type[ServiceSettings]] = {
    PLATFORM.package: platform_api.settings.Settings,
    TENANT.package: tenant_api.settings.Settings,
    BRIDGE.package: oauth_bridge.settings.Settings,
}
IN_THE_IMAGE = {"HOST", "PLATFORM_API_PORT", "TENANT_API_PORT", "OAUTH_BRIDGE_PORT", "COMMIT"}
# The defaults are what a deployment wants; whoever wants another adds a line to variables.py.
LEFT_ALONE = {
    "DYNAMODB_ENDPOINT",
    "METRICS_PORT",
    "ROTATION_OVERLAP_HOURS",
    "PAST_DUE_GRACE_DAYS",
    "RECONCILE_SECONDS",
    "REGISTRATION_PER_MINUTE",
    "REGISTRATION_PER_MONTH",
    "KEY_CACHE_SECONDS",
    "SYNC_POLL_SECONDS",
    "SYNC_OVERLAP_SECONDS",
    "COMPARISON_SECONDS",
    "MAX_IN_FLIGHT",
    "VISITORS_PER_MINUTE",
    "FAILURES_PER_MINUTE",
}
NESTED_LEFT_ALONE = re.compile(r".*__(API_URL|CONNECT_URL|URL|ISSUER)$")
VALUES = {
    "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
    "DEVELOPER_CLERK__SECRET_KEY": "sk_test_a",
    "END_USER_CLERK__SECRET_KEY": "sk_test_b",
}


def variables(settings: type[BaseModel]) -> dict[str, bool]:
    """Every variable of some settings, and whether it is secret."""
    found = {}
    for name, field in settings.model_fields.items():
        variable = str(field.validation_alias or field.alias or name).upper()
        kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        nested = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        if nested is None:
            found[variable] = SecretStr in kinds
        else:
            found |= {f"{variable}__{inner}": secret for inner, secret in variables(nested).items()}
    return found


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.package)
def test_every_setting_is_given_or_left_alone_on_purpose_and_secret_ones_are_secret(service: Service) -> None:
    for variable, secret in variables(SETTINGS[service.package]).items():
        if variable in IN_THE_IMAGE | LEFT_ALONE or NESTED_LEFT_ALONE.match(variable):
            continue
        assert (variable in secrets_of(service)) == secret, variable
        assert (variable in plain_of(service)) != secret, variable
    assert not set(plain_of(service)) & set(secrets_of(service))


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.package)
def test_a_service_starts_with_what_its_container_is_given(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no .env is
    for name, value in environment(service).items():
        monkeypatch.setenv(name, value)
    settings = SETTINGS[service.package].model_validate({})
    assert settings.table("tenant-usage") == "staging-tenant-usage"
    assert settings.tenant_api_url == "https://api.example.com"
    assert settings.forwarded_allow_ips == "10.20.0.0/16"


def test_every_part_that_money_needs_is_on_once_its_values_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ENVIRONMENT.model_copy(
        update={"stripe_price_id": "price_1", "connect_client_id": "ca_1", "github_client_id": "Iv1"}
    )
    values = {key: _value(key) for service in SERVICES for key in secrets_of(service)} | VALUES
    for service in SERVICES:
        for name, value in environment(service, given, values).items():
            monkeypatch.setenv(name, value)
    platform, tenant, bridge = (SETTINGS[one.package].model_validate({}) for one in (PLATFORM, TENANT, BRIDGE))
    parts = [(platform, "stripe"), (tenant, "tenant_stripe"), (bridge, "connect"), (bridge, "github")]
    assert [name for settings, name in parts if getattr(settings, name) is None] == []


def _value(key: str) -> str:
    return "whsec_1" if "WEBHOOK" in key else "sk_test_1"


def environment(
    service: Service, environment: Environment = ENVIRONMENT, values: Mapping[str, str] = VALUES
) -> dict[str, str]:
    """The container's environment with the stack's parameters and some secrets put in, as Fargate does."""
    container = service_stack.template()["Resources"][f"{service.logical}Task"]["Properties"]["ContainerDefinitions"][0]
    given = services(environment, {}).parameters | {"AWS::Region": environment.region}
    plain = {one["Name"]: resolved(one["Value"], given) for one in container["Environment"]}
    return plain | {one["Name"]: values.get(one["Name"], "") for one in container["Secrets"]}


def resolved(value: Any, given: dict[str, str]) -> str:
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return given[value["Ref"]]
    return re.sub(r"\$\{([^}]+)\}", lambda found: given[found.group(1)], value["Fn::Sub"])

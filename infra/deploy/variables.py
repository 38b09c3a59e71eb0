"""The environment of each service's container: plain variables, and which ones come from its secret.

Called by tasks.py, data_stack.py and secret_values.py. A test starts the services' settings with what stands here.
"""

from typing import Any

from infra.deploy.network import VPC_RANGE
from infra.deploy.parts import BRIDGE, PLATFORM, TENANT, Service, ref, sub

DRAIN_SECONDS = 20

_COMMON: dict[str, Any] = {
    "AWS_REGION": ref("AWS::Region"),
    "TABLE_PREFIX": sub("${Environment}-"),
    "WORKERS": ref("Workers"),
    "DRAIN_SECONDS": str(DRAIN_SECONDS),
    "LOG_LEVEL": ref("LogLevel"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ref("TracesEndpoint"),
    "OTEL_TRACES_SAMPLER_ARG": ref("TracesShare"),
    "FORWARDED_ALLOW_IPS": VPC_RANGE,  # the load balancer's addresses are in there, and nothing else can reach us
    "PLATFORM_API_URL": sub("https://${PlatformHost}"),
    "TENANT_API_URL": sub("https://${TenantHost}"),
    "OAUTH_BRIDGE_URL": sub("https://${BridgeHost}"),
}

_DEVELOPER_CLERK: dict[str, Any] = {
    "DEVELOPER_CLERK__PUBLISHABLE_KEY": ref("DeveloperPublishableKey"),
    "DEVELOPER_CLERK__AUTHORIZED_PARTIES": sub("https://${PlatformHost}"),
}

# An empty parameter is an empty variable, which the services' settings take for one that is not set.
_PLAIN: dict[str, dict[str, Any]] = {
    PLATFORM.package: _DEVELOPER_CLERK
    | {"STRIPE_PRICE_ID": ref("StripePriceId"), "SECRET_SCANNING_KEYS_URL": ref("SecretScanningKeysUrl")},
    TENANT.package: {
        "END_USER_CLERK__PUBLISHABLE_KEY": ref("EndUserPublishableKey"),
        "END_USER_CLERK__AUTHORIZED_PARTIES": ref("EndUserAuthorizedParties"),
        "REGISTRATION_ENABLED": ref("RegistrationEnabled"),
        "APPLICATION_FEE_PERCENT": ref("ApplicationFeePercent"),
    },
    BRIDGE.package: _DEVELOPER_CLERK
    | {"CONNECT__CLIENT_ID": ref("ConnectClientId"), "GITHUB__CLIENT_ID": ref("GitHubClientId")},
}

# Optional ones may stay empty, all of one feature together.
REQUIRED_SECRETS = {
    PLATFORM.package: ("DEVELOPER_CLERK__SECRET_KEY", "CREDENTIAL_KEYS"),
    TENANT.package: ("END_USER_CLERK__SECRET_KEY",),
    BRIDGE.package: ("DEVELOPER_CLERK__SECRET_KEY",),
}
OPTIONAL_SECRETS = {
    PLATFORM.package: ("STRIPE__SECRET_KEY", "STRIPE__WEBHOOK_SECRET"),
    TENANT.package: ("TENANT_STRIPE__SECRET_KEY", "TENANT_STRIPE__WEBHOOK_SECRET"),
    BRIDGE.package: ("CONNECT__SECRET_KEY", "GITHUB__CLIENT_SECRET"),
}


def plain_of(service: Service) -> dict[str, Any]:
    return _COMMON | _PLAIN[service.package]


def secrets_of(service: Service) -> tuple[str, ...]:
    """Every key that the service's secret has, whether its value is needed or not."""
    return REQUIRED_SECRETS[service.package] + OPTIONAL_SECRETS[service.package]

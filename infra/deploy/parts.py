"""The three services as the deployment sees them, and the few words of CloudFormation that every file here uses."""

from dataclasses import dataclass
from typing import Any

Resources = dict[str, dict[str, Any]]

BALANCER = "balancer"  # what the load balancer's name in metrics is exported as
PORT = 8080  # one for all: each service is alone in its container


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `logical` begins the names of its resources, `host` is the parameter with its address."""

    package: str
    logical: str
    host: str
    priority: int

    @property
    def slug(self) -> str:
        """For names that may have no underscore."""
        return self.package.replace("_", "-")

    @property
    def secret(self) -> str:
        """The parameter with the ARN of its secret."""
        return f"{self.logical}SecretArn"

    @property
    def log_group(self) -> str:
        return f"/dream-api/${{Environment}}/{self.package}"


PLATFORM = Service("platform_api", "PlatformApi", "PlatformHost", 10)
TENANT = Service("tenant_api", "TenantApi", "TenantHost", 20)
BRIDGE = Service("oauth_bridge", "OauthBridge", "BridgeHost", 30)
SERVICES = (PLATFORM, TENANT, BRIDGE)


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> dict[str, str]:
    """A text with `${Parameter}`, `${Resource}` or `${Resource.Attribute}` in it."""
    return {"Fn::Sub": text}


def export(name: str) -> dict[str, str]:
    """The name under which one stack of an environment offers a value to the others."""
    return sub(f"dream-api-${{Environment}}-{name}")


def imported(name: str) -> dict[str, Any]:
    return {"Fn::ImportValue": export(name)}


def targets_export(service: Service) -> str:
    """What the name of a service's target group in metrics is exported as."""
    return f"{service.slug}-targets"

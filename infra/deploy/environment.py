"""One environment: what environments/<name>.toml says, checked as a whole, and as the stacks' parameters.

Called by the commands. Nothing secret stands in such a file, so it may be kept in version control.
"""

import re
import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.settings import frontend_host, sentences

FOLDER = Path(__file__).parent / "environments"
_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?P<repository>[^:@]+)[:@].+")
_HOST = r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"


class Unusable(Exception):
    """What was wrong, for a person: one sentence a line."""


class Environment(BaseModel):
    """The parameters of one environment; README.md says where each comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,15}$")
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    protected: bool = True
    image: str = Field(min_length=1)
    certificate_arn: str = Field(pattern=r"^arn:aws[a-z-]*:acm:")
    platform_host: str = Field(pattern=_HOST)
    tenant_host: str = Field(pattern=_HOST)
    bridge_host: str = Field(pattern=_HOST)
    developer_publishable_key: str
    end_user_publishable_key: str
    end_user_authorized_parties: str = ""
    stripe_price_id: str = ""
    application_fee_percent: str = Field(default="", pattern=r"^(\d{1,2}(\.\d{1,2})?|100)?$")
    connect_client_id: str = ""
    github_client_id: str = ""
    secret_scanning_keys_url: str = Field(default="", pattern=r"^(https://\S+)?$")
    registration_enabled: bool = False
    alarm_email: str = ""
    log_level: Literal["INFO", "WARNING"] = "INFO"
    traces_endpoint: str = Field(default="", pattern=r"^(https?://[^\s]+)?$")
    traces_share: float = Field(default=1, ge=0, le=1)
    log_days: Literal[7, 14, 30, 60, 90, 180, 365] = 30
    architecture: Literal["X86_64", "ARM64"] = "X86_64"
    task_cpu: Literal[256, 512, 1024, 2048, 4096] = 512
    task_memory: Literal[1024, 2048, 4096, 8192] = 1024
    workers: int = Field(default=1, ge=1, le=8)
    least_tasks: int = Field(default=2, ge=2)
    most_tasks: int = Field(default=10, ge=2)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        frontend_host(self.developer_publishable_key)
        frontend_host(self.end_user_publishable_key)
        if len({self.platform_host, self.tenant_host, self.bridge_host}) != 3:
            raise ValueError("platform_host, tenant_host and bridge_host must be three different names")
        if self.image.endswith(":latest") or not re.search(r"(:[^/]+|@sha256:[0-9a-f]{64})$", self.image):
            raise ValueError("image must name a version, such as …/dream-api:1f2e3d4 (not latest), or a digest")
        if self.most_tasks < self.least_tasks:
            raise ValueError("most_tasks must be least_tasks or more")
        return self

    def stack(self, what: str) -> str:
        return f"dream-api-{self.name}-{what}"

    @property
    def data_parameters(self) -> dict[str, str]:
        return {"Environment": self.name, "Protected": _said(self.protected), "LogDays": str(self.log_days)}

    @property
    def watch_parameters(self) -> dict[str, str]:
        return {"Environment": self.name, "AlarmEmail": self.alarm_email}

    @property
    def service_parameters(self) -> dict[str, str]:
        found = _ECR.fullmatch(self.image)
        return {
            "Environment": self.name,
            "Protected": _said(self.protected),
            "Image": self.image,
            "ImageRepository": found.group("repository") if found else "none",
            "CertificateArn": self.certificate_arn,
            "PlatformHost": self.platform_host,
            "TenantHost": self.tenant_host,
            "BridgeHost": self.bridge_host,
            "DeveloperPublishableKey": self.developer_publishable_key,
            "EndUserPublishableKey": self.end_user_publishable_key,
            "EndUserAuthorizedParties": self.end_user_authorized_parties or f"https://{self.tenant_host}",
            "StripePriceId": self.stripe_price_id,
            "ApplicationFeePercent": self.application_fee_percent,
            "ConnectClientId": self.connect_client_id,
            "GitHubClientId": self.github_client_id,
            "SecretScanningKeysUrl": self.secret_scanning_keys_url,
            "RegistrationEnabled": _said(self.registration_enabled),
            "LogLevel": self.log_level,
            "TracesEndpoint": self.traces_endpoint,
            "TracesShare": f"{self.traces_share:g}",
            "CpuArchitecture": self.architecture,
            "TaskCpu": str(self.task_cpu),
            "TaskMemory": str(self.task_memory),
            "Workers": str(self.workers),
            "LeastTasks": str(self.least_tasks),
            "MostTasks": str(self.most_tasks),
        }


def _said(value: bool) -> str:
    return "true" if value else "false"


def load(name: str, image: str | None = None, folder: Path = FOLDER) -> Environment:
    """The environment of a file; `image` wins over the file's. Raises Unusable that names every fault."""
    if not name:
        raise Unusable("Say which environment: ENV=production (a file of environments/ without .toml).")
    path = folder / f"{name}.toml"
    if not path.exists():
        raise Unusable(f"{path.name} is missing: copy environments/example.toml to it and fill it in.")
    try:
        values = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"{path.name} is no TOML: {error}") from error
    given = {"image": image} if image else {}
    try:
        return Environment.model_validate({"name": name} | values | given)
    except ValidationError as error:
        lines = (sentence.replace("set it in the environment or in .env", "set it") for sentence in sentences(error))
        raise Unusable("\n".join(f"{path.name}: {line}" for line in lines)) from error

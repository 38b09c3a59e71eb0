"""Settings fields common to all services, and the guard that keeps live credentials off test addresses.

Each service's own settings.py subclasses ServiceSettings; only its __main__ builds one. The environment wins over
`.env`. Every outside system is reached by an address that is a setting; the defaults are the real systems.
"""

import base64
import binascii
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CLERK_API = "https://api.clerk.com/v1"
STRIPE_API = "https://api.stripe.com"
STRIPE_CONNECT = "https://connect.stripe.com"
GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _origin(value: str) -> str:
    return value.rstrip("/")


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$"), BeforeValidator(_origin)]


class ClerkApp(BaseModel):
    """One Clerk application: where its tokens come from and how its Backend API is reached."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    publishable_key: str
    secret_key: SecretStr
    authorized_parties: str = Field(default="", description="comma-separated origins a token may have been minted for")
    issuer_override: str | None = Field(default=None, alias="issuer")
    api_url: Url = CLERK_API

    @property
    def issuer(self) -> str:
        """The Frontend API address, without a trailing slash: configured, or read from the publishable key."""
        return self.issuer_override.rstrip("/") if self.issuer_override else "https://" + self.frontend_host

    @property
    def frontend_host(self) -> str:
        """The host that the publishable key names."""
        return frontend_host(self.publishable_key)

    @property
    def key_set_url(self) -> str:
        return self.issuer + "/.well-known/jwks.json"

    @property
    def parties(self) -> frozenset[str]:
        return frozenset(part.strip().rstrip("/") for part in self.authorized_parties.split(",") if part.strip())

    @property
    def live(self) -> bool:
        return self.secret_key.get_secret_value().startswith("sk_live_")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        frontend_host(self.publishable_key)
        secret = self.secret_key.get_secret_value()
        if not secret.startswith(("sk_test_", "sk_live_")):
            raise ValueError("secret_key must start with sk_test_ or sk_live_")
        if self.publishable_key.startswith("pk_live_") != self.live:
            raise ValueError("publishable_key and secret_key are of different modes; take both from one Clerk instance")
        if self.live and (self.api_url != CLERK_API or not self.issuer.startswith("https://")):
            raise ValueError("a live Clerk key is used with the real addresses only; remove api_url and http issuer")
        if self.live and not self.parties:
            raise ValueError("authorized_parties must name the origins of your pages when a live Clerk key is used")
        return self


class StripeAccess(BaseModel):
    """The operator's Stripe account: its secret key, and where Stripe is."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    secret_key: SecretStr
    api_url: Url = STRIPE_API
    connect_url: Url = STRIPE_CONNECT

    @property
    def live(self) -> bool:
        return self.secret_key.get_secret_value().startswith(("sk_live_", "rk_live_"))

    @model_validator(mode="after")
    def _usable_key(self) -> Self:
        if not self.secret_key.get_secret_value().startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
            raise ValueError("secret_key must start with sk_test_ or sk_live_")
        if self.live and (self.api_url != STRIPE_API or self.connect_url != STRIPE_CONNECT):
            raise ValueError("a live Stripe key is used with the real addresses only; remove api_url and connect_url")
        return self


class StripeKeys(StripeAccess):
    """What a service needs that takes payments; `webhook_secret` may name several, comma separated."""

    webhook_secret: SecretStr

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Each is tried, so that a secret can be rotated."""
        return tuple(part.strip() for part in self.webhook_secret.get_secret_value().split(",") if part.strip())

    @model_validator(mode="after")
    def _usable_webhook(self) -> Self:
        if not self.webhook_secrets or not all(one.startswith("whsec_") for one in self.webhook_secrets):
            raise ValueError("webhook_secret must be the whsec_… of the endpoint; without it events can't be believed")
        return self


class ConnectKeys(StripeAccess):
    """What the bridge needs to connect developers' accounts and to publish on them."""

    client_id: str = Field(pattern=r"^ca_[A-Za-z0-9_]+$", description="of the OAuth settings of Connect")


class GitHubApp(BaseModel):
    """The operator's OAuth app at GitHub."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    url: Url = GITHUB
    api_url: Url = GITHUB_API


def frontend_host(publishable_key: str) -> str:
    """The Frontend API host inside a Clerk publishable key; ValueError when the key is malformed."""
    parts = publishable_key.split("_")
    if len(parts) != 3 or parts[0] != "pk" or parts[1] not in {"test", "live"}:
        raise ValueError("publishable_key must look like pk_test_… or pk_live_…")
    try:
        decoded = base64.b64decode(parts[2] + "=" * (-len(parts[2]) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("publishable_key does not decode; copy it again from the Clerk dashboard") from error
    if not decoded.endswith("$") or decoded.count("$") != 1 or "." not in decoded:
        raise ValueError("publishable_key names no host; copy it again from the Clerk dashboard")
    return decoded[:-1]


class ServiceSettings(BaseSettings):
    """What every service needs. Field names in capitals are the variable names; nested fields join with `__`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    host: str = "127.0.0.1"
    workers: int = Field(default=1, ge=1, le=64, description="server processes")
    forwarded_allow_ips: str = Field(default="127.0.0.1", description="addresses whose X-Forwarded-For is believed")
    drain_seconds: int = Field(default=20, ge=1, le=110, description="how long SIGTERM waits for calls under way")
    log_level: str = "INFO"
    metrics_port: int | None = Field(default=None, ge=0, le=65535, description="where Prometheus asks; absent: nowhere")
    otel_exporter_otlp_endpoint: Url | None = Field(default=None, description="where traces go; absent: nowhere")
    otel_traces_sampler_arg: float = Field(default=1, ge=0, le=1, description="the share of requests that is traced")
    commit: str = Field(default="", max_length=64, description="of the code that runs, told by /health")
    max_in_flight: int = Field(default=512, ge=1, description="requests a process works on at once; others get a 503")
    visitors_per_minute: int = Field(default=1200, ge=0, description="without a credential, an address; 0: any")
    failures_per_minute: int = Field(default=300, ge=0, description="wrong ones, an address; 0: any")

    aws_region: str = "us-east-1"
    dynamodb_endpoint: Url | None = Field(default=None, description="another DynamoDB engine; absent: AWS itself")
    table_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]*$")

    platform_api_url: Url = "http://127.0.0.1:8788"
    tenant_api_url: Url = "http://127.0.0.1:8787"
    oauth_bridge_url: Url = "http://127.0.0.1:8789"

    def table(self, name: str) -> str:
        """The full name of a table in this installation."""
        return self.table_prefix + name

    def refuse_live_with_test_store(self, *, live: bool) -> None:
        """Live credentials with an engine that is not AWS would put paying customers on a laptop."""
        if live and self.dynamodb_endpoint is not None:
            raise ValueError(
                "live keys beside DYNAMODB_ENDPOINT would keep paying customers' data in an engine that is not AWS; "
                "remove DYNAMODB_ENDPOINT, or use test keys"
            )


def sentences(error: ValidationError) -> list[str]:
    """Every unusable setting as one sentence with its variable name, for a start-up that says all at once."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = "__".join(str(part) for part in problem["loc"]).upper() or "settings"
        text = "is missing; set it in the environment or in .env" if problem["type"] == "missing" else problem["msg"]
        lines.append(f"{name}: {text.removeprefix('Value error, ')}")
    return lines

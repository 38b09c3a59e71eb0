"""What the bridge can be set to: the developers' Clerk app, Stripe Connect, GitHub, its port, the worker's rhythm.

Built only by __main__ (and by tests that start the service).
"""

from typing import Self

from pydantic import Field, model_validator

from shared.settings import ClerkApp, ConnectKeys, GitHubApp, ServiceSettings


class Settings(ServiceSettings):
    """The settings of oauth_bridge."""

    port: int = Field(default=8789, ge=0, le=65535, validation_alias="OAUTH_BRIDGE_PORT")
    developer_clerk: ClerkApp
    connect: ConnectKeys | None = Field(default=None, description="absent: no accounts are connected here")
    github: GitHubApp | None = Field(default=None, description="absent: no identities are linked here")

    sync_poll_seconds: float = Field(default=0.25, gt=0, le=5, description="pause between two looks at the outbox")
    sync_overlap_seconds: float = Field(
        default=60, ge=1, le=3600, description="how late a change may become visible and still be found by the outbox"
    )
    comparison_seconds: float = Field(default=300, gt=0, le=86400, description="pause between two full comparisons")

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        live = self.connect is not None and self.connect.live
        self.refuse_live_with_test_store(live=self.developer_clerk.live or live)
        if live and not self.developer_clerk.live:
            raise ValueError("CONNECT__SECRET_KEY is live beside a test Clerk app; take both live or both test")
        if live and not (self.encrypted and self.platform_api_url.startswith("https://")):
            raise ValueError("OAUTH_BRIDGE_URL and PLATFORM_API_URL must be https beside a live CONNECT__SECRET_KEY")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether browsers reach the bridge by https."""
        return self.oauth_bridge_url.startswith("https://")


def load() -> Settings:
    """The settings of the environment. Raises ValidationError that names every unusable one."""
    return Settings.model_validate({})

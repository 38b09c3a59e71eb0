"""tenant_api's settings: the end-users' Clerk app, registration and caching, on top of the common ones.

Built by __main__ only; a deployed service reads them from its environment.
"""

from typing import Self

from pydantic import Field, model_validator

from shared.settings import ClerkApp, ServiceSettings


class Settings(ServiceSettings):
    """What tenant_api needs beside the common settings."""

    port: int = Field(default=8787, ge=1, le=65535, validation_alias="TENANT_API_PORT")
    end_user_clerk: ClerkApp
    registration_enabled: bool = Field(default=False, description="developers may register without the platform")
    registration_per_minute: int = Field(default=5, ge=1, description="registrations a minute from one address")
    registration_per_month: int = Field(default=100, ge=1, description="registrations a month from one address")
    key_cache_seconds: float = Field(default=0.75, ge=0, le=1, description="how old a look-up of a key may be")

    @model_validator(mode="after")
    def _test_store_takes_test_keys(self) -> Self:
        self.refuse_live_with_test_store(live=self.end_user_clerk.live)
        return self


def load() -> Settings:
    """The settings of the environment. Raises ValidationError that names every unusable one."""
    return Settings.model_validate({})

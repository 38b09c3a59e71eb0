"""tenant_api's settings: the end-users' Clerk app, registration, caching and billing, on top of the common ones.

Built by __main__ only; a deployed service reads them from its environment.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from shared.settings import ClerkApp, ServiceSettings, StripeKeys


class Settings(ServiceSettings):
    """What tenant_api needs beside the common settings."""

    port: int = Field(default=8787, ge=1, le=65535, validation_alias="TENANT_API_PORT")
    end_user_clerk: ClerkApp
    registration_enabled: bool = Field(default=False, description="developers may register without the platform")
    registration_per_minute: int = Field(default=5, ge=1, description="registrations a minute from one address")
    registration_per_month: int = Field(default=100, ge=1, description="registrations a month from one address")
    key_cache_seconds: float = Field(default=0.75, ge=0, le=1, description="how old a look-up of a key may be")

    # Not `stripe`: a secret of platform_api's endpoint in the same .env must never verify events here.
    tenant_stripe: StripeKeys | None = Field(
        default=None, description="the operator's key and the secret of the Connect endpoint; absent: no billing here"
    )
    application_fee_percent: Decimal | None = Field(
        default=None, ge=0, le=100, decimal_places=2, description="the operator's share of what end-users pay"
    )
    past_due_grace_days: int = Field(default=7, ge=0, le=60, description="how long an unpaid invoice keeps the tier")
    reconcile_seconds: int = Field(default=3600, ge=0, description="0: only by command")

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.past_due_grace_days)

    @property
    def fee_percent(self) -> float | None:
        """None also for a share of nothing."""
        return float(self.application_fee_percent) if self.application_fee_percent else None

    @property
    def clerk(self) -> ClerkApp:
        """The end-users' app. The hosted pages are served from here, so tokens minted for them are always taken."""
        parties = ",".join((*sorted(self.end_user_clerk.parties), self.tenant_api_url))
        return self.end_user_clerk.model_copy(update={"authorized_parties": parties})

    @model_validator(mode="after")
    def _test_store_takes_test_keys(self) -> Self:
        self.refuse_live_with_test_store(
            live=self.end_user_clerk.live or (self.tenant_stripe is not None and self.tenant_stripe.live)
        )
        return self


def load() -> Settings:
    """The settings of the environment. Raises ValidationError that names every unusable one."""
    return Settings.model_validate({})

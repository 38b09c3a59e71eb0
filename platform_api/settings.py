"""platform_api's settings: the developers' Clerk app and the keys that seal credentials, on top of the common ones.

Built by __main__ only; a deployed service reads them from its environment.
"""

from datetime import timedelta
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from platform_api.credential import MOST_OVERLAP_HOURS
from platform_api.sealing import Seal
from shared.settings import ClerkApp, ServiceSettings, StripeKeys, Url


class Settings(ServiceSettings):
    """What platform_api needs beside the common settings."""

    port: int = Field(default=8788, ge=1, le=65535, validation_alias="PLATFORM_API_PORT")
    developer_clerk: ClerkApp
    credential_keys: SecretStr = Field(description="Fernet keys, comma-separated: the first seals, every one opens")
    rotation_overlap_hours: int = Field(default=24, ge=0, le=MOST_OVERLAP_HOURS)

    secret_scanning_keys_url: Url | None = Field(
        default=None,
        description="where the secret scanner publishes the keys its alerts are signed with; absent: no alerts",
    )

    stripe: StripeKeys | None = Field(default=None, description="absent: no billing here")
    stripe_price_id: str | None = Field(
        default=None,
        pattern=r"^price_\w+(,\s*price_\w+)*$",
        description="what a developer pays; several, comma-separated: the first is sold, every one is the paid plan",
    )
    past_due_grace_days: int = Field(default=7, ge=0, le=60, description="how long an unpaid invoice keeps the plan")
    reconcile_seconds: int = Field(default=3600, ge=0, description="0: only by command")

    @property
    def upgrade_url(self) -> str:
        """Where a developer at the limit is sent."""
        return self.platform_api_url + "/dashboard#billing"

    @property
    def prices(self) -> tuple[str, ...]:
        """The prices that buy the paid plan, the one that is sold first; none without billing."""
        return tuple(part.strip() for part in (self.stripe_price_id or "").split(",") if part.strip())

    @property
    def rotation_overlap(self) -> timedelta:
        return timedelta(hours=self.rotation_overlap_hours)

    @field_validator("credential_keys")
    @classmethod
    def _sealing(cls, value: SecretStr) -> SecretStr:
        try:
            Seal(value.get_secret_value())
        except ValueError as error:
            raise ValueError(
                "must be Fernet keys (32 random bytes each in url-safe base64), comma-separated"
            ) from error
        return value

    @model_validator(mode="after")
    def _test_store_takes_test_keys(self) -> Self:
        self.refuse_live_with_test_store(
            live=self.developer_clerk.live or (self.stripe is not None and self.stripe.live)
        )
        return self

    @model_validator(mode="after")
    def _alerts_are_believed_by_https(self) -> Self:
        url = self.secret_scanning_keys_url
        if url is not None and self.developer_clerk.live and not url.startswith("https://"):
            raise ValueError(
                "SECRET_SCANNING_KEYS_URL must be https beside live keys: whoever answers there stops keys"
            )
        return self

    @model_validator(mode="after")
    def _billing_is_whole(self) -> Self:
        if (self.stripe is None) != (self.stripe_price_id is None):
            raise ValueError("STRIPE__SECRET_KEY, STRIPE__WEBHOOK_SECRET and STRIPE_PRICE_ID go together: all or none")
        return self


def load() -> Settings:
    """The settings of the environment. Raises ValidationError that names every unusable one."""
    return Settings.model_validate({})

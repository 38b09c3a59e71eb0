"""What of a webhook event is read here has the shape it is read in; called by stripe_gateway.py on every signed one.

The signature says who sent an event, not that it is one: what would trip the code behind it is refused before it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]
Metadata = Mapping[str, str]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _SubscriptionDetails(_Part):
    metadata: Metadata | None = None


class _Parent(_Part):
    subscription_details: _SubscriptionDetails | None = None


class _About(_Part):
    """An invoice, a subscription, a customer, a checkout session, a charge, a refund or an application."""

    object: Name | None = None
    id: Name | None = None
    customer: Name | None = None
    charge: Name | None = None
    metadata: Metadata | None = None
    parent: _Parent | None = None
    client_reference_id: str | None = None


class _Data(_Part):
    object: _About


class _Event(_Part):
    id: Name
    type: Name
    created: int = Field(ge=0, lt=2**53)
    livemode: bool
    account: Name | None = None
    data: _Data


def check(event: Mapping[str, Any]) -> None:
    """Raises ValueError for an event that can't be read."""
    _Event.model_validate(event)

"""What the services' descriptions say alike: who calls, answers that several give, and the routes that each has.

Used by each service's description.py.
"""

from collections.abc import Mapping
from typing import Any, Literal

from shared.web.openapi import HTML, JSON, Answer, Operation, Operations

Unlimited = int | Literal["unlimited"]

DEVELOPER: Mapping[str, Any] = {
    "developer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A developer, by a token of the developers' Clerk app",
    },
}
STRIPE: Mapping[str, Any] = {
    "stripeSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Stripe-Signature",
        "description": "Stripe, by its signature",
    },
}


class Usage(Answer):
    """Where the caller stands in this UTC month."""

    count: int
    limit: Unlimited
    remaining: Unlimited
    plan: str
    period_start: str
    period_end: str


class Standing(Answer):
    user_id: str
    plan: str
    usage_count: int
    limit: Unlimited
    remaining: Unlimited
    period_start: str
    period_end: str


class TierPrice(Answer):
    """An integer amount in minor units of a currency, per month or year."""

    amount: int
    currency: str
    interval: Literal["month", "year"]


class Tier(Answer):
    """One tier. `limit` is units a month, -1 unlimited; without a price the developer's server grants it."""

    name: str
    display_name: str
    limit: int
    rate_limit_per_minute: int
    price: TierPrice | None
    features: list[str]
    popular: bool
    trial_days: int


class Portal(Answer):
    url: str


class Received(Answer):
    received: Literal[True]
    outcome: str


class Health(Answer):
    """`commit` is null where the operator has not set COMMIT."""

    status: Literal["ok"]
    version: str
    commit: str | None


class Ready(Answer):
    """`dependencies`: which of the systems it depends on answer now. Where the store does not, the answer is a 503."""

    status: Literal["ready"]
    dependencies: dict[Literal["store", "clerk", "stripe"], Literal["up", "down"]]


EVERYWHERE: Operations = {
    ("GET", "/health"): Operation("This process runs.", Health, store=False),
    ("GET", "/ready"): Operation("Its store answers, and whether Clerk and Stripe do.", Ready),
    ("GET", "/openapi.json"): Operation("This description, for programs.", JSON, store=False),
    ("GET", "/docs"): Operation("This description, for people.", HTML, store=False),
}

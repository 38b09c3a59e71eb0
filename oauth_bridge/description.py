"""The bridge described, for /openapi.json and /docs: what each route of app.py takes, answers and refuses."""

from typing import Any, Literal

from oauth_bridge.routes.tiers import TiersBody
from shared.domain import errors
from shared.web.openapi import HTML, Answer, Operation, Operations

TITLE = "dream-api: the bridge"
TOKEN = ("developer",)
SCHEMES: dict[str, Any] = {
    "developer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A developer, by a token of the developers' Clerk app",
    },
}


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


class Draft(Answer):
    tiers: list[Tier]


class Published(Answer):
    """What end-users can be on now; version 0 is the default until the first publish."""

    version: int
    tiers: list[Tier]


class TierState(Answer):
    platform_id: str
    draft: Draft
    published: Published


class Health(Answer):
    """`commit` is null where the operator has not set COMMIT."""

    status: Literal["ok"]
    version: str
    commit: str | None


class Ready(Answer):
    status: Literal["ready"]


_PLATFORM = (errors.Conflict,)

OPERATIONS: Operations = {
    ("GET", "/tiers"): Operation("Draft and published tiers.", TierState, TOKEN, errors=_PLATFORM),
    ("PUT", "/tiers"): Operation(
        "Replaces the draft; every bad field is named.", TierState, TOKEN, body=TiersBody, errors=_PLATFORM
    ),
    ("POST", "/tiers/publish"): Operation(
        "Makes the draft what end-users get, within 2 seconds.", TierState, TOKEN, errors=_PLATFORM
    ),
    ("GET", "/health"): Operation("This process runs.", Health, store=False),
    ("GET", "/ready"): Operation("Its store answers.", Ready),
    ("GET", "/openapi.json"): Operation("This description, for programs.", "application/json", store=False),
    ("GET", "/docs"): Operation("This description, for people.", HTML, store=False),
}

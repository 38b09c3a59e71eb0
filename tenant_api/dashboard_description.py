"""The developers' routes described, for description.py: the figures, lists and events behind the dashboard."""

from typing import Literal

from shared.domain import errors
from shared.web.descriptions import Unlimited
from shared.web.openapi import Answer, Operation, Operations, Parameter
from tenant_api.routes.deliveries import Replay

KEY = ("platformKey",)
_NUMBER = {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
_PAGED = (
    Parameter("cursor", "`next` of the page before."),
    Parameter("limit", "How many a page shows.", schema=_NUMBER),
)


class Period(Answer):
    start: str
    end: str


class Refused(Answer):
    over_quota: int
    rate_limited: int


class Calls(Answer):
    """Counted units of this UTC month and day, and calls refused in the month."""

    month: int
    today: int
    refused: Refused


class Active(Answer):
    active: int


class TierFigures(Answer):
    """`mrr` is in minor units, by currency; without what is on trial."""

    tier: str
    display_name: str
    active_users: int
    calls: int
    subscribers: int
    mrr: dict[str, int]


class Day(Answer):
    date: str
    calls: int
    refused: int


class RevenueFigures(Answer):
    """In minor units: what subscriptions bring a month; what was paid in a month less what was refunded in it."""

    currency: str
    mrr: int
    this_month: int
    last_month: int


class Customer(Answer):
    """An end-user in this UTC month. `status` is Stripe's word for the subscription, null without one."""

    user_id: str
    plan: str
    used: int
    limit: Unlimited
    remaining: Unlimited
    last_seen: str | None
    status: str | None


class Dashboard(Answer):
    platform_id: str
    name: str | None
    period: Period
    as_of: str
    calls: Calls
    users: Active
    by_tier: list[TierFigures]
    daily: list[Day]
    revenue: list[RevenueFigures]
    near_limit: list[Customer]
    top_users: list[Customer]


class Customers(Answer):
    """`cutShort`: one page looks at so many end-users and no more, and had not found enough; `next` goes on."""

    customers: list[Customer]
    next: str | None
    cut_short: bool


class CustomerDay(Answer):
    date: str
    calls: int


class CustomerSubscription(Answer):
    """`periodEnd` and `cancelAt` are Unix seconds."""

    status: str
    tier: str
    period_end: int | None
    cancel_at: int | None
    customer_id: str


class CustomerDetail(Customer):
    period_start: str
    period_end: str
    daily: list[CustomerDay]
    subscription: CustomerSubscription | None


class StripeEvent(Answer):
    """One event of the connected account. `outcome` is a word for what became of it."""

    id: str
    type: str
    outcome: str | None
    status: Literal["done", "failed", "working"]
    received_at: str
    attempts: int
    message: str


class StripeEventPage(Answer):
    events: list[StripeEvent]
    next: str | None


OPERATIONS: Operations = {
    ("GET", "/api/developer/dashboard"): Operation(
        "The platform's figures, each the sum of the counts.", Dashboard, KEY
    ),
    ("GET", "/api/developer/customers"): Operation(
        "The platform's end-users, page by page.",
        Customers,
        KEY,
        parameters=(
            Parameter("sort", "`usage`: most first, `name`: by id.", schema={"enum": ["usage", "name"]}),
            Parameter("q", "Only ids that begin with this."),
            Parameter("tier", "Only those on this tier."),
            Parameter("status", "Only those whose subscription is in this status."),
            *_PAGED,
        ),
        errors=(errors.BadRequest,),
    ),
    ("GET", "/api/developer/customer"): Operation(
        "One end-user, with daily calls and subscription.",
        CustomerDetail,
        KEY,
        parameters=(Parameter("userId", "Whose page it is.", required=True),),
        errors=(errors.BadRequest, errors.NotFound),
    ),
    ("GET", "/api/developer/events"): Operation(
        "Stripe's events of the last 30 days, the newest first.",
        StripeEventPage,
        KEY,
        parameters=_PAGED,
        errors=(errors.BadRequest,),
    ),
    ("POST", "/api/developer/events/replay"): Operation(
        "Works on an event again, by what is true at Stripe now.",
        StripeEvent,
        KEY,
        body=Replay,
        errors=(errors.NotFound, errors.Conflict),
    ),
}

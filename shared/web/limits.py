"""What a metered route says of its limits: RateLimit and RateLimit-Policy headers, and the `usage` object.

The header fields follow draft-ietf-httpapi-ratelimit-headers (revision 10): lists of quoted names with parameters.
"""

from datetime import datetime
from typing import Any

from shared.domain.periods import seconds_until, timestamp
from shared.domain.quota import UNLIMITED, Standing

MINUTE_SECONDS = 60


def limit_headers(standing: Standing, now: datetime) -> dict[str, str]:
    """The two headers; a policy that is unlimited is left out, and with both unlimited so are the headers."""
    policies, states = [], []
    quota, month = standing.quota, standing.usage.month
    if standing.calls_remaining is not None:
        policies.append(f'"minute";q={quota.rate_per_minute};w={MINUTE_SECONDS}')
        states.append(f'"minute";r={standing.calls_remaining};t={seconds_until(standing.minute_resets_at, now)}')
    if standing.remaining is not None:
        policies.append(f'"month";q={quota.limit};w={month.seconds}')
        states.append(f'"month";r={standing.remaining};t={seconds_until(month.end, now)}')
    if not policies:
        return {}
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


def usage_json(standing: Standing) -> dict[str, Any]:
    """The `usage` object of an answer: count, limit, remaining, plan and the period's bounds."""
    quota, month = standing.quota, standing.usage.month
    return {
        "count": standing.usage.used,
        "limit": unlimited_or(quota.limit),
        "remaining": "unlimited" if standing.remaining is None else standing.remaining,
        "plan": quota.plan,
        "periodStart": timestamp(month.start),
        "periodEnd": timestamp(month.end),
    }


def unlimited_or(limit: int) -> int | str:
    """How a limit reads in JSON: the number, or `"unlimited"`."""
    return "unlimited" if limit == UNLIMITED else limit

"""What a metered route says of its limits: RateLimit and RateLimit-Policy headers, and the `usage` object.

The header fields follow draft-ietf-httpapi-ratelimit-headers (revision 10): lists of quoted names with parameters.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from shared.domain.periods import seconds_until
from shared.domain.quota import UNLIMITED, Standing

MINUTE_SECONDS = 60


def limit_headers(standing: Standing, now: datetime) -> dict[str, str]:
    """The two headers; a policy that is unlimited is left out, and with both unlimited so are the headers."""
    quota, usage = standing.quota, standing.usage
    limit, rate = quota.limit, quota.rate_per_minute
    state, instant = "", now.timestamp()
    if rate != UNLIMITED:
        state = f'"minute";r={max(0, rate - usage.calls)};t={seconds_until(usage.minute_ends_at, instant)}'
    if limit != UNLIMITED:
        month = f'"month";r={max(0, limit - usage.used)};t={seconds_until(usage.month.ends_at, instant)}'
        state = f"{state}, {month}" if state else month
    return {"RateLimit-Policy": _policy(limit, rate, usage.month.seconds), "RateLimit": state} if state else {}


@lru_cache(1024)
def _policy(limit: int, rate: int, month_seconds: int) -> str:
    policies = [f'"minute";q={rate};w={MINUTE_SECONDS}'] if rate != UNLIMITED else []
    policies += [f'"month";q={limit};w={month_seconds}'] if limit != UNLIMITED else []
    return ", ".join(policies)


def usage_json(standing: Standing) -> dict[str, Any]:
    """The `usage` object of an answer: count, limit, remaining, plan and the period's bounds."""
    quota = standing.quota
    start, end = standing.usage.month.texts
    return {
        "count": standing.usage.used,
        "limit": unlimited_or(quota.limit),
        "remaining": "unlimited" if standing.remaining is None else standing.remaining,
        "plan": quota.plan,
        "periodStart": start,
        "periodEnd": end,
    }


def unlimited_or(limit: int) -> int | str:
    """How a limit reads in JSON: the number, or `"unlimited"`."""
    return "unlimited" if limit == UNLIMITED else limit

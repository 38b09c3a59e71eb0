"""The operator's own plans: what a developer may use, and which plan one is on. Pure; the one source of the numbers.

Called by platform_api.authentication (what a claim may say) and platform_api.entitlements (what to count against).
"""

from shared.domain.quota import Quota

RATE_PER_MINUTE = 100

FREE = Quota("free", limit=5, rate_per_minute=RATE_PER_MINUTE)
PAID = Quota("paid", limit=500, rate_per_minute=RATE_PER_MINUTE)
PAID_PRICE = "$29"  # a month, as the pages say it; what is charged is STRIPE_PRICE_ID's

_BY_NAME = {quota.plan: quota for quota in (FREE, PAID)}


def claimed(value: object) -> str | None:
    """The plan a token's claim names; None for anything but a plan's name, such as a template left unresolved."""
    return value if isinstance(value, str) and value in _BY_NAME else None


def named(plan: str | None) -> Quota:
    """What a plan allows. Without a word to the contrary that is the free plan."""
    return FREE if plan is None else _BY_NAME[plan]

"""The limit headers: whole numbers, names that join the two, nothing where nothing limits."""

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.periods import Month, minute_of
from shared.domain.quota import UNLIMITED, Quota, Standing, Usage
from shared.web.limits import limit_headers, usage_json

NOW = datetime(2026, 11, 24, 12, 0, 20, tzinfo=UTC)
MEMBER = re.compile(r'"(minute|month)"((?:;[a-z]+=\d+)+)')

limits = st.integers(1, 10**12) | st.just(UNLIMITED)


def standing(quota: Quota, used: int, calls: int) -> Standing:
    return Standing(quota, Usage(Month.of(NOW), used, minute_of(NOW), calls))


def members(header: str) -> dict[str, dict[str, int]]:
    """A header's list: names to their parameters, which are all whole numbers."""
    found = {}
    for member in header.split(", "):
        matched = MEMBER.fullmatch(member)
        assert matched, member
        found[matched[1]] = {
            name: int(value) for name, _, value in (p.partition("=") for p in matched[2][1:].split(";"))
        }
    return found


@given(limits, limits, st.integers(0, 10**12), st.integers(0, 10**6))
def test_headers_are_lists_whose_names_join(limit: int, rate: int, used: int, calls: int) -> None:
    headers = limit_headers(standing(Quota("pro", limit, rate), used, calls), NOW)
    if limit == rate == UNLIMITED:
        assert headers == {}
        return
    policy, state = members(headers["RateLimit-Policy"]), members(headers["RateLimit"])
    assert policy.keys() == state.keys()
    assert ("month" in policy) == (limit != UNLIMITED)
    if limit != UNLIMITED:
        assert policy["month"] == {"q": limit, "w": 30 * 86_400}
        assert state["month"] == {"r": max(0, limit - used), "t": 561_580}
    if rate != UNLIMITED:
        assert policy["minute"] == {"q": rate, "w": 60}
        assert state["minute"] == {"r": max(0, rate - calls), "t": 40}


def test_usage_says_unlimited_in_words() -> None:
    assert usage_json(standing(Quota("pro", UNLIMITED, 5), 7, 1)) == {
        "count": 7,
        "limit": "unlimited",
        "remaining": "unlimited",
        "plan": "pro",
        "periodStart": "2026-11-01T00:00:00Z",
        "periodEnd": "2026-12-01T00:00:00Z",
    }

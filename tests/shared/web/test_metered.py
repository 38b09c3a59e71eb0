from datetime import UTC, datetime

import pytest
from starlette.requests import Request

from shared.domain.errors import BadRequest, RateLimited, UsageLimitReached
from shared.domain.periods import Month, minute_of
from shared.domain.quota import Quota, Standing, Usage
from shared.metering.calls import Idempotency
from shared.web.metered import idempotency, refused

NOW = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC)


def request(*keys: bytes, method: str = "POST", path: str = "/verify-auth") -> Request:
    headers = [(b"idempotency-key", key) for key in keys]
    server = ("testserver", 80)
    return Request({"type": "http", "method": method, "path": path, "headers": headers, "server": server})


def given(*keys: bytes, body: bytes = b"", method: str = "POST", path: str = "/verify-auth") -> Idempotency:
    found = idempotency(request(*keys, method=method, path=path), body)
    assert found is not None
    return found


@pytest.mark.parametrize("key", [b"", b'""', b"x" * 256, b"tab\there", b"uml\xc3\xa4ut", b"nul\x00"])
def test_refuses_a_key_that_is_empty_too_long_or_not_printable(key: bytes) -> None:
    with pytest.raises(BadRequest, match="1 to 255 printable ASCII"):
        idempotency(request(key), b"")


def test_refuses_two_keys() -> None:
    with pytest.raises(BadRequest):
        idempotency(request(b"one", b"one"), b"")


def test_is_none_without_the_header() -> None:
    assert idempotency(request(), b"") is None


def test_a_quoted_and_a_bare_key_are_the_same() -> None:
    assert given(b'"one"') == given(b"one") == given(b" one ")


@pytest.mark.parametrize("key", [b"x", b"x" * 255, b'"' + b"x" * 255 + b'"', b'"', b"a b!~"])
def test_takes_any_printable_key_of_up_to_255_characters(key: bytes) -> None:
    assert len(given(key).key_hash) == 64


def test_the_fingerprint_tells_method_path_and_body_apart_and_leaves_the_key_out() -> None:
    several = [
        given(b"one", body=b"a"),
        given(b"one", body=b"b"),
        given(b"one", path="/api/data", body=b"a"),
        given(b"one", method="PUT", body=b"a"),
    ]
    assert len({one.fingerprint for one in several}) == 4
    assert given(b"two", body=b"a").fingerprint == several[0].fingerprint
    assert given(b"two").key_hash != given(b"one").key_hash


def test_a_refusal_carries_both_limits() -> None:
    error = UsageLimitReached("used up")
    standing = Standing(Quota("free", 5, 100), Usage(Month(2026, 11), 5, minute_of(NOW), 3))
    assert refused(error, standing, NOW) is error
    assert error.headers["RateLimit"] == '"minute";r=97;t=30, "month";r=0;t=30'
    assert error.headers["RateLimit-Policy"] == '"minute";q=100;w=60, "month";q=5;w=2592000'


def test_over_quota_waits_for_the_month_and_rate_limited_for_the_minute() -> None:
    noon = datetime(2026, 11, 24, 12, 0, 15, tzinfo=UTC)
    standing = Standing(Quota("free", 5, 100), Usage(Month(2026, 11), 5, minute_of(noon), 100))
    assert refused(RateLimited("slow down"), standing, noon).retry_after_seconds == 45
    assert refused(UsageLimitReached("used up"), standing, noon).retry_after_seconds == 6 * 86_400 + 43_200 - 15


def test_an_unlimited_standing_adds_no_headers() -> None:
    standing = Standing(Quota("all", -1, -1), Usage(Month(2026, 11), 5, minute_of(NOW), 3))
    assert refused(RateLimited("slow down"), standing, NOW).headers == {}

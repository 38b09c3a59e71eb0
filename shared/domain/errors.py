"""The error tree: every refusal this product can answer, with its code and status fixed at birth.

Raised by use cases and adapters; rendered by shared.web.errors as
`{"error": code, "message": sentence, "requestId": …, **facts}`. Anything else that is raised is a 500.

    ApiError
      BadRequest 400 invalid_request            PayloadTooLarge 413 payload_too_large
        UnknownTier 400 unknown_tier            IdempotencyKeyReused 422 idempotency_key_reused
      Unauthenticated 401 unauthenticated       RateLimited 429 rate_limited
      Forbidden 403 forbidden                   Unavailable 503 unavailable
        UsageLimitReached 403 usage_limit_reached
        TierLimitReached 403 tier_limit_reached
        NoTier 403 no_tier
      NotFound 404 not_found                    Conflict 409 conflict
      RequestTimeout 408 request_timeout        Overloaded 503 overloaded (an Unavailable)
"""

from typing import Any, ClassVar


class ApiError(Exception):
    """A refusal that the caller is told about.

    `message` is a sentence for a person: what was wrong and what to do. `facts` are further JSON members in
    camelCase. `retry_after_seconds`, where given, becomes the Retry-After header; `headers` are sent as they are.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, retry_after_seconds: int | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        self.facts = facts
        self.headers: dict[str, str] = {}


class BadRequest(ApiError):
    status = 400
    code = "invalid_request"


class UnknownTier(BadRequest):
    code = "unknown_tier"


class Unauthenticated(ApiError):
    """No credential, or one that is not (or no longer) good; which of these is never told."""

    status = 401
    code = "unauthenticated"


class Forbidden(ApiError):
    status = 403
    code = "forbidden"


class UsageLimitReached(Forbidden):
    """A developer's own month is used up."""

    code = "usage_limit_reached"


class TierLimitReached(Forbidden):
    """An end-user's tier is used up for this month."""

    code = "tier_limit_reached"


class NoTier(Forbidden):
    """The end-user has no tier and the platform publishes no free one."""

    code = "no_tier"


class NotFound(ApiError):
    status = 404
    code = "not_found"


class RequestTimeout(ApiError):
    """The caller was too slow in sending."""

    status = 408
    code = "request_timeout"


class Conflict(ApiError):
    status = 409
    code = "conflict"


class PayloadTooLarge(ApiError):
    status = 413
    code = "payload_too_large"


class IdempotencyKeyReused(ApiError):
    status = 422
    code = "idempotency_key_reused"


class RateLimited(ApiError):
    status = 429
    code = "rate_limited"


class Unavailable(ApiError):
    """Something we depend on did not answer. Nothing was acknowledged; the same request may be sent again."""

    status = 503
    code = "unavailable"


class Overloaded(Unavailable):
    """More is asked at once than this service takes on."""

    code = "overloaded"

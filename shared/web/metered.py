"""What both services' metered routes share: reading the Idempotency-Key header, and dressing a refusal in its limits.

Called by the routes of platform_api and tenant_api; what is counted, and which error says no, is theirs.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.types import Scope

from shared.domain.errors import ApiError, BadRequest, RateLimited
from shared.domain.periods import seconds_until
from shared.domain.quota import Standing
from shared.metering.calls import Counted, Idempotency
from shared.web.limits import limit_headers
from shared.web.log import note

HEADER = "Idempotency-Key"
WIRE_NAME = HEADER.lower().encode()
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def idempotency(request: Request, raw_body: bytes) -> Idempotency | None:
    """The caller's Idempotency-Key and what it was sent with; None without the header, BadRequest for an odd one.

    The header may be quoted, as its draft standard has it, or bare, as most clients send it: both name the same key.
    """
    values = [value.decode("latin-1") for name, value in request.scope["headers"] if name == WIRE_NAME]
    if not values:
        return None
    key = _unquoted(values[0].strip())
    if len(values) > 1 or _KEY.fullmatch(key) is None:
        raise BadRequest(f"{HEADER} is sent once and has 1 to 255 printable ASCII characters.", header=HEADER)
    request_line = f"{request.method}\n{request.url.path}\n".encode()
    return Idempotency(
        key_hash=hashlib.sha256(key.encode()).hexdigest(),
        fingerprint=hashlib.sha256(request_line + raw_body).hexdigest(),
    )


def refused(error: ApiError, standing: Standing, now: datetime, headers: Mapping[str, str] | None = None) -> ApiError:
    """The same error with its RateLimit headers, and Retry-After: the next minute when rate limited, else the month.

    `headers` are those of `told`, where they are made already.
    """
    usage = standing.usage
    resets_at = usage.minute_ends_at if isinstance(error, RateLimited) else usage.month.ends_at
    error.headers |= limit_headers(standing, now) if headers is None else headers
    error.retry_after_seconds = seconds_until(resets_at, now.timestamp())
    return error


def told(scope: Scope, counted: Counted, now: datetime) -> dict[str, str]:
    """Note the decision for the log; the headers of the answer: the limits, and whether it is an earlier one again."""
    decision = counted.decision
    note(
        scope,
        decision=decision.verdict,
        used=decision.usage.used,
        limit=decision.quota.limit,
        replayed=counted.replayed,
    )
    headers = limit_headers(decision, now)
    if counted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return headers


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    return value[1:-1] if quoted else value

"""dream-api from a developer's own server: count a user's call before serving it, in one line, sync or async.

    with DreamApi("https://api.example.com", "pk_live_…") as api:
        api.count("alice")            # raises LimitReached or TooFast; the user's Usage otherwise

Every counted call carries an Idempotency-Key, so that a lost answer is asked for again and counted once. One file,
for Python 3.11 and httpx; the tests run it against the real service.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

ATTEMPTS = 4
TIMEOUT_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


class DreamApiError(Exception):
    """What the service refused: `status`, `code` for programs, the message for people, and the refusal's `facts`."""

    def __init__(self, status: int, code: str, message: str, facts: Mapping[str, Any], retry_after: int | None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.facts = facts
        self.request_id: str | None = facts.get("requestId")
        self.retry_after_seconds = retry_after


class LimitReached(DreamApiError):
    """The user's month is used up. `facts["upgradeUrl"]` is where they choose a larger tier."""


class TooFast(DreamApiError):
    """More calls than the tier takes in a minute; `retry_after_seconds` says when the next fits."""


class Unreachable(DreamApiError):
    """The service did not answer, or could not, for as long as was tried. The call may be sent again."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a user stands; `limit` and `remaining` are None where the tier is unlimited. Periods are ISO timestamps."""

    used: int
    limit: int | None
    remaining: int | None
    plan: str
    period_start: str
    period_end: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where to send the user; `portal` when they pay already and would change tiers there."""

    url: str
    portal: bool


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request, the same whoever sends it."""

    method: str
    path: str
    user_id: str
    plan: str | None = None
    body: Mapping[str, Any] | None = None
    key: str | None = None
    headers: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        # Header values are bytes on the wire; user ids may be any text.
        named = {"X-User-Id": self.user_id, "X-User-Plan": self.plan, "Idempotency-Key": self.key}
        self.headers.update({name: value for name, value in named.items() if value is not None})

    def sent(self) -> dict[str, Any]:
        """The arguments of httpx's `request`."""
        headers = {name: value.encode() for name, value in self.headers.items()}
        return {"method": self.method, "url": self.path, "headers": headers, "json": self.body}


def _counted(user_id: str, units: int, plan: str | None, key: str | None) -> _Ask:
    return _Ask("POST", "/api/data", user_id, plan, {"units": units}, key or uuid.uuid4().hex)


def _checkout(user_id: str, tier: str, email: str, success_url: str | None, cancel_url: str | None) -> _Ask:
    wanted = {"tier": tier, "email": email, "successUrl": success_url, "cancelUrl": cancel_url}
    return _Ask(
        "POST", "/api/create-checkout", user_id, body={name: one for name, one in wanted.items() if one is not None}
    )


def _portal(user_id: str, return_url: str | None) -> _Ask:
    return _Ask("POST", "/api/customer-portal", user_id, body={} if return_url is None else {"returnUrl": return_url})


class _Try:
    """One request until it is answered: which answers are worth another try, and how long to wait before it."""

    def __init__(self) -> None:
        self._pauses = _pauses()

    def pause(self, answer: httpx.Response | None) -> float | None:
        """Seconds to wait before asking again; None when this is the answer."""
        if answer is not None and answer.status_code < 500:
            return None
        asked = 0.0 if answer is None else float(_retry_after(answer) or 0)
        pause = next(self._pauses, None)
        return None if pause is None or asked > LONGEST_PAUSE_SECONDS else max(pause, asked)


def _pauses() -> Iterator[float]:
    for number in range(ATTEMPTS - 1):
        yield FIRST_PAUSE_SECONDS * 2**number * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing


def _read(answer: httpx.Response | None) -> dict[str, Any]:
    """The JSON of a good answer. Raises what another amounts to."""
    if answer is None:
        raise Unreachable(0, "unreachable", "dream-api could not be reached; send the call again.", {}, None)
    try:
        told = answer.json()
    except ValueError:
        told = {}
    if answer.is_success and isinstance(told, dict):
        return told
    facts = told if isinstance(told, dict) else {}
    code = str(facts.get("error", "unreadable"))
    message = str(facts.get("message", f"dream-api answered {answer.status_code} without a reason."))
    raise _kind(answer.status_code, code)(answer.status_code, code, message, facts, _retry_after(answer))


def _kind(status: int, code: str) -> type[DreamApiError]:
    if code in {"tier_limit_reached", "usage_limit_reached"}:
        return LimitReached
    if status == 429:
        return TooFast
    return Unreachable if status >= 500 else DreamApiError


def _retry_after(answer: httpx.Response) -> int | None:
    value = answer.headers.get("Retry-After", "")
    return int(value) if value.isdigit() else None


def _usage(told: Mapping[str, Any], answer: httpx.Response | None) -> Usage:
    usage = told.get("usage", told)
    return Usage(
        used=usage["count"] if "count" in usage else usage["usageCount"],
        limit=_number(usage["limit"]),
        remaining=_number(usage["remaining"]),
        plan=usage["plan"],
        period_start=usage["periodStart"],
        period_end=usage["periodEnd"],
        replayed=answer is not None and answer.headers.get("Idempotent-Replayed") == "true",
    )


def _number(value: int | str) -> int | None:
    return None if isinstance(value, str) else value


def _options(url: str, key: str, timeout: float) -> dict[str, Any]:
    return {"base_url": url, "headers": {"Authorization": f"Bearer {key}"}, "timeout": timeout}


class DreamApi:
    """The service at `url` for the platform whose API key this is. Keep one and use it from any thread."""

    def __init__(self, url: str, api_key: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._http = httpx.Client(**_options(url, api_key, timeout_seconds))

    def count(
        self, user_id: str, units: int = 1, *, plan: str | None = None, idempotency_key: str | None = None
    ) -> Usage:
        """Count a call of a user. Raises LimitReached or TooFast when it is refused, Unreachable when unanswered."""
        answer = self._answer(_counted(user_id, units, plan, idempotency_key))
        return _usage(_read(answer), answer)

    def usage(self, user_id: str, *, plan: str | None = None) -> Usage:
        """Where a user stands; counts nothing."""
        answer = self._answer(_Ask("GET", "/api/usage", user_id, plan))
        return _usage(_read(answer), answer)

    def checkout(
        self, user_id: str, tier: str, email: str, *, success_url: str | None = None, cancel_url: str | None = None
    ) -> Checkout:
        """Where the user pays for a tier. The addresses must be of origins that the dashboard lists."""
        told = _read(self._answer(_checkout(user_id, tier, email, success_url, cancel_url)))
        return Checkout(told["url"], told["portal"])

    def portal(self, user_id: str, *, return_url: str | None = None) -> str:
        """Where the user changes tiers or cancels."""
        return str(_read(self._answer(_portal(user_id, return_url)))["url"])

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, ask: _Ask) -> httpx.Response | None:
        trying = _Try()
        while True:
            try:
                answer = self._http.request(**ask.sent())
            except httpx.TransportError:
                answer = None
            pause = trying.pause(answer)
            if pause is None:
                return answer
            time.sleep(pause)


class AsyncDreamApi:
    """The same for asyncio; keep one an event loop."""

    def __init__(self, url: str, api_key: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._http = httpx.AsyncClient(**_options(url, api_key, timeout_seconds))

    async def count(
        self, user_id: str, units: int = 1, *, plan: str | None = None, idempotency_key: str | None = None
    ) -> Usage:
        """Count a call of a user. Raises LimitReached or TooFast when it is refused, Unreachable when unanswered."""
        answer = await self._answer(_counted(user_id, units, plan, idempotency_key))
        return _usage(_read(answer), answer)

    async def usage(self, user_id: str, *, plan: str | None = None) -> Usage:
        """Where a user stands; counts nothing."""
        answer = await self._answer(_Ask("GET", "/api/usage", user_id, plan))
        return _usage(_read(answer), answer)

    async def checkout(
        self, user_id: str, tier: str, email: str, *, success_url: str | None = None, cancel_url: str | None = None
    ) -> Checkout:
        """Where the user pays for a tier. The addresses must be of origins that the dashboard lists."""
        told = _read(await self._answer(_checkout(user_id, tier, email, success_url, cancel_url)))
        return Checkout(told["url"], told["portal"])

    async def portal(self, user_id: str, *, return_url: str | None = None) -> str:
        """Where the user changes tiers or cancels."""
        return str(_read(await self._answer(_portal(user_id, return_url)))["url"])

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        await self.close()

    async def _answer(self, ask: _Ask) -> httpx.Response | None:
        trying = _Try()
        while True:
            try:
                answer = await self._http.request(**ask.sent())
            except httpx.TransportError:
                answer = None
            pause = trying.pause(answer)
            if pause is None:
                return answer
            await asyncio.sleep(pause)

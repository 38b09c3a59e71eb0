"""The Stripe client as all our adapters use it: built from settings, and its failures told apart in one place.

stripe_gateway.py, stripe_catalog.py and stripe_connect.py call it.
"""

from collections.abc import Awaitable, Mapping
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import stripe

from shared import outside
from shared.domain.errors import Conflict, Unavailable
from shared.settings import StripeAccess

TIMEOUT_SECONDS = 8.0
CONNECT_SECONDS = 2.0
RETRIES = 2
PAGE = 100
_WORDS = frozenset(
    {
        *("v1", "account", "billing_portal", "checkout", "configurations", "customers", "prices", "products"),
        *("sessions", "subscriptions", "oauth", "token", "deauthorize"),
    }
)

T = TypeVar("T")


class NotConnected(Conflict):
    """A connected account has withdrawn the operator's access."""


class _Measured(stripe.HTTPXClient):
    """Stripe's own HTTP client, each of whose requests is measured, those it sends again too."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        began, outcome = perf_counter(), outside.FAILED
        try:
            answer = await super().request_async(method, url, headers, post_data)
            outcome = outside.OK if answer[1] < 400 else outside.REFUSED if answer[1] < 500 else outside.FAILED
            return answer
        finally:
            outside.told(outside.STRIPE, operation(method, url), began, outcome)

    async def reach(self, url: str) -> None:
        """Raises Unavailable unless an answer comes that is no failure; without a key, so a refusal is fine."""
        with outside.asking(outside.STRIPE, "reach"):
            try:
                _, status, _ = await super().request_async("get", url, {})
            except stripe.APIConnectionError as error:
                raise unavailable() from error
            if status >= 500:
                raise unavailable()


def operation(method: str, url: str) -> str:
    """The request without what it is about, such as `DELETE /v1/subscriptions/{id}`: there are only so many of them."""
    parts = urlsplit(url).path.strip("/").split("/")
    return f"{method.upper()} /" + "/".join(part if part in _WORDS else "{id}" for part in parts)


class OpenStripe:
    """A client with the operator's secret key, and the connections it holds. Closed when the service stops."""

    def __init__(self, access: StripeAccess) -> None:
        stripe.enable_telemetry = False
        self._api_url = access.api_url
        # Its close is not typed, which Any makes bearable.
        self._http: Any = _Measured(timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS))
        self.client = stripe.StripeClient(
            access.secret_key.get_secret_value(),
            base_addresses={"api": access.api_url, "connect": access.connect_url},
            max_network_retries=RETRIES,
            http_client=self._http,
        )

    async def reach(self) -> None:
        """Raises Unavailable where Stripe does not answer. Asked without our key: strangers may cause this request."""
        await self._http.reach(self._api_url + "/v1/account")

    async def close(self) -> None:
        await self._http.close_async()


def options(account_id: str | None, key: str | None = None) -> Any:
    """The options of one request: on whose account, and its idempotency key."""
    named = {} if account_id is None else {"stripe_account": account_id}
    return named if key is None else named | {"idempotency_key": key}


async def asked(call: Awaitable[T], account_id: str | None) -> T:
    """Stripe's own failures, and ours to reach it, as Unavailable; what it refuses stays a stripe error."""
    try:
        return await call
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise unavailable() from error
    except stripe.PermissionError as error:
        if account_id is None:
            raise
        raise NotConnected(
            "This Stripe account is not connected any more; connect Stripe again.", reason="not_connected"
        ) from error
    except stripe.IdempotencyError as error:
        if error.http_status == 409:  # the same request is under way
            raise unavailable() from error
        raise


def unavailable() -> Unavailable:
    return Unavailable("Stripe did not take the request just now; try again.", retry_after_seconds=2)


def missing(error: stripe.InvalidRequestError) -> bool:
    """Whether what was asked about is not there (any more)."""
    return error.http_status == 404 or error.code == "resource_missing"


def refused(error: stripe.InvalidRequestError) -> Conflict:
    """Stripe's own words on what the account can't do, such as an account that may not take payments yet."""
    told = error.user_message or "it gave no reason"
    return Conflict(f"Stripe refused this for the account: {told}", reason="stripe_refused", stripeCode=error.code)

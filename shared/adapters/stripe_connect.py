"""Connecting a developer's own Stripe account by OAuth. The bridge's connect.py calls it.

No token is kept: calls are made with the operator's key and the account's name. Source: facts/stripe.md section 5.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

import stripe

from shared.adapters.stripe_client import OpenStripe, asked, unavailable
from shared.settings import ConnectKeys

SCOPE = "read_write"


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """An account whose owner has agreed."""

    account_id: str
    livemode: bool


class ExchangeFailed(Exception):
    """The code was not taken, or its answer was lost; the developer has to start again."""


class StripeConnect:
    """Onboarding by OAuth for Standard accounts."""

    def __init__(self, keys: ConnectKeys, redirect_uri: str) -> None:
        self._connection = OpenStripe(keys)
        self._client_id = keys.client_id
        self._connect_url = keys.connect_url
        self._redirect_uri = redirect_uri

    def start_url(self, state: str) -> str:
        """Where the developer agrees."""
        asked_for = {
            "response_type": "code",
            "client_id": self._client_id,
            "scope": SCOPE,
            "redirect_uri": self._redirect_uri,
            "state": state,
        }
        return f"{self._connect_url}/oauth/authorize?{urlencode(asked_for)}"

    async def finish(self, code: str) -> ConnectedAccount:
        """The account behind a code. Sent exactly once: Stripe revokes the connection of a code used twice."""
        try:
            answer = await self._connection.client.raw_request_async(
                "post",
                "/oauth/token",
                base="connect",
                grant_type="authorization_code",
                code=code,
                max_network_retries=0,
            )
        except (stripe.StripeError, AttributeError) as error:
            # The client stumbles over an OAuth error whose word it does not know, such as server_error.
            raise ExchangeFailed(type(error).__name__) from error
        data = answer.data
        if not isinstance(data, dict) or data.get("scope") != SCOPE or "stripe_user_id" not in data:
            raise ExchangeFailed("an answer without an account")
        return ConnectedAccount(str(data["stripe_user_id"]), bool(data.get("livemode")))

    async def leave(self, account_id: str) -> None:
        """End the connection at Stripe; nothing happens when it has ended already. Raises Unavailable."""
        call = self._connection.client.raw_request_async(
            "post", "/oauth/deauthorize", base="connect", client_id=self._client_id, stripe_user_id=account_id
        )
        try:
            await asked(call, None)
        except stripe.oauth_error.InvalidClientError:
            return  # not connected any more
        except (stripe.StripeError, AttributeError) as error:  # as in finish
            raise unavailable() from error

    async def close(self) -> None:
        await self._connection.close()

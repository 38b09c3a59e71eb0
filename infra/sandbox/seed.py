"""A developer with a platform, two tiers and an end-user, so that a fresh sandbox has something to call.

Made through the services' own APIs, and again at every start: what is there stays. Called by the supervisor.
"""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from infra.sandbox.layout import DEVELOPERS, END_USERS, Layout, Secrets
from infra.sandbox.processes import SandboxError

DEVELOPER = "dev@example.com"
END_USER = "user@example.com"
SYNC_SECONDS = 10
PRICE_KEY = "dream_api_paid"

TIERS: list[dict[str, Any]] = [
    {
        "name": "free",
        "displayName": "Free",
        "limit": 100,
        "rateLimitPerMinute": 100,
        "price": {"amount": 0, "currency": "usd", "interval": "month"},
        "features": ["100 calls a month", "Community support"],
    },
    {
        "name": "pro",
        "displayName": "Pro",
        "limit": 10_000,
        "rateLimitPerMinute": 600,
        "price": None,
        "features": ["10,000 calls a month", "E-mail support"],
        "popular": True,
    },
]


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was sown."""

    platform_id: str
    api_key: str
    end_user_id: str


def price(layout: Layout, secrets: Secrets) -> str:
    """The operator's own price, $29 a month, at the stand-in for Stripe; made once."""
    with httpx.Client(timeout=10, trust_env=False, headers={"Authorization": f"Bearer {secrets.stripe}"}) as http:
        prices = layout.url("stripe") + "/v1/prices"
        found = http.get(prices, params={"lookup_keys[0]": PRICE_KEY}).raise_for_status().json()["data"]
        if found:
            return str(found[0]["id"])
        product = http.post(layout.url("stripe") + "/v1/products", data={"name": "dream-api paid plan"})
        wanted = {
            "product": product.raise_for_status().json()["id"],
            "currency": "usd",
            "unit_amount": "2900",
            "recurring[interval]": "month",
            "lookup_key": PRICE_KEY,
        }
        return str(http.post(prices, data=wanted).raise_for_status().json()["id"])


def sow(layout: Layout, secrets: Secrets) -> Seeded:
    """Make what is not there yet; answers what is. Raises SandboxError with the answer that was not expected."""
    with httpx.Client(timeout=10, trust_env=False) as http:
        token = _developer_token(http, layout)
        made = _asked(http, "POST", layout.url("platform_api") + "/generate-credentials", token)
        platform_id, api_key = made["platformId"], made["apiKey"]
        tiers = layout.url("oauth_bridge") + "/tiers"
        if _asked(http, "GET", tiers, token)["published"]["version"] == 0:
            _asked(http, "PUT", tiers, token, {"tiers": TIERS})
            _asked(http, "POST", tiers + "/publish", token)
        _wait_for_key(http, layout, api_key)
        return Seeded(platform_id, api_key, _end_user(http, layout, secrets, platform_id))


def told(layout: Layout, seeded: Seeded) -> str:
    """What a person wants to know of a running sandbox."""
    tenant = layout.url("tenant_api")
    return f"""
dream-api is running.

  platform_api   {layout.url("platform_api")}   developers
  tenant_api     {tenant}   end-users
  oauth_bridge   {layout.url("oauth_bridge")}   credentials, tiers, connections
  Stripe         {layout.url("stripe")}   its stand-in
  GitHub         {layout.url("github")}   its stand-in
  sign-in pages  {layout.url(DEVELOPERS)}/sign-in (developers), {layout.url(END_USERS)}/sign-in (end-users)

  developer      {DEVELOPER}
  platformId     {seeded.platform_id}
  API key        {seeded.api_key}
  end-user       {END_USER} ({seeded.end_user_id})

Make a metered call:

  curl -X POST {tenant}/api/data -H 'Authorization: Bearer {seeded.api_key}' -H 'X-User-Id: alice'

Pay as the developer (test card 4242 4242 4242 4242) at the address this answers:

  curl -X POST {layout.url("platform_api")}/create-checkout -H "Authorization: Bearer $(make -s token USER={DEVELOPER})"

Get a token: make token USER={DEVELOPER}   Logs: {layout.logs}   Start afresh: make reset   Stop: Ctrl-C
"""


def _developer_token(http: httpx.Client, layout: Layout) -> str:
    asked = {"email": DEVELOPER, "template": DEVELOPERS}
    jwt: str = _asked(http, "POST", layout.url(DEVELOPERS) + "/_sandbox/token", None, asked)["jwt"]
    return jwt


def _end_user(http: httpx.Client, layout: Layout, secrets: Secrets, platform_id: str) -> str:
    """The end-user, whose metadata names the platform, as its sign-up page will do."""
    users = layout.url(END_USERS) + "/v1/users"
    key = secrets.clerk[END_USERS]
    found = _asked(http, "GET", f"{users}?email_address={END_USER}", key)
    user = found[0] if found else _asked(http, "POST", users, key, {"email_address": [END_USER]})
    metadata = {"public_metadata": {"platformId": platform_id, "plan": "free"}}
    _asked(http, "PATCH", f"{users}/{user['id']}/metadata", key, metadata)
    return str(user["id"])


def _wait_for_key(http: httpx.Client, layout: Layout, api_key: str) -> None:
    """Until the bridge has carried the key over."""
    deadline = time.monotonic() + SYNC_SECONDS
    headers = {"Authorization": f"Bearer {api_key}", "X-User-Id": "alice"}
    while http.get(layout.url("tenant_api") + "/api/usage", headers=headers).status_code != 200:
        if time.monotonic() > deadline:
            raise SandboxError("the tenant API does not accept the seeded key; see the bridge's log.")
        time.sleep(0.1)


def _asked(http: httpx.Client, method: str, url: str, bearer: str | None, body: object = None) -> Any:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    answer = http.request(method, url, headers=headers, json=body)
    if not answer.is_success:
        raise SandboxError(f"seeding failed: {method} {url} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()

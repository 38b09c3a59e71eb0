"""Every route of the product, who may use it, and how to ask it about somebody: one line a route.

`test_isolation.py` and the other proofs are generated from this table and from the apps' route tables; a route that is
not here fails them. In paths, headers, queries and bodies `{platform}`, `{user}` and `{version}` stand for the one the
request is about.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from tests.trust.product import SERVICES, apps_on_paper


class Door(Enum):
    """What a route asks of its caller."""

    DEVELOPER = "a token of the developers' Clerk app"
    END_USER = "a platform's key and X-User-Id, or an end-user's token"
    PLATFORM = "a platform's key"
    PERSON = "a token of the end-users' Clerk app, of any platform or none"
    SIGNED = "Stripe's signature"
    SCANNER = "a secret scanner's signature"
    HANDSHAKE = "a state we gave out, and the cookie of that browser"
    PUBLIC = "nothing"


@dataclass(frozen=True)
class Entry:
    """How to use one route. `path` is filled in where the route's own has parameters."""

    door: Door
    path: str | None = None
    json: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


_USER = {"X-User-Id": "{user}"}
_TIERS = {"tiers": [{"name": "free", "displayName": "Free", "limit": 5, "rateLimitPerMinute": 5}]}

REGISTRY: dict[tuple[str, str, str], Entry] = {
    **{(service, "GET", path): Entry(Door.PUBLIC) for service in SERVICES for path in ("/docs", "/openapi.json")},
    ("platform_api", "POST", "/verify-auth"): Entry(Door.DEVELOPER),
    ("platform_api", "GET", "/usage"): Entry(Door.DEVELOPER),
    ("platform_api", "POST", "/generate-credentials"): Entry(Door.DEVELOPER),
    ("platform_api", "GET", "/get-credentials"): Entry(Door.DEVELOPER),
    ("platform_api", "POST", "/rotate-credentials"): Entry(Door.DEVELOPER, json={"overlapHours": 0}),
    ("platform_api", "POST", "/revoke-credentials"): Entry(Door.DEVELOPER),
    ("platform_api", "GET", "/leaks"): Entry(Door.DEVELOPER),
    ("platform_api", "POST", "/set-leak-policy"): Entry(Door.DEVELOPER, json={"policy": "stop"}),
    ("platform_api", "POST", "/dismiss-leak"): Entry(Door.DEVELOPER, json={"id": "0" * 64}),
    ("platform_api", "POST", "/webhook/secret-scanning"): Entry(Door.SCANNER),
    ("platform_api", "POST", "/create-checkout"): Entry(Door.DEVELOPER),
    ("platform_api", "POST", "/customer-portal"): Entry(Door.DEVELOPER),
    ("platform_api", "POST", "/webhook/stripe"): Entry(Door.SIGNED),
    ("platform_api", "GET", "/"): Entry(Door.PUBLIC),
    ("platform_api", "GET", "/dashboard"): Entry(Door.PUBLIC),
    ("platform_api", "GET", "/static/{version}/{file:path}"): Entry(Door.PUBLIC, "/static/0/nothing.js"),
    ("platform_api", "GET", "/health"): Entry(Door.PUBLIC),
    ("platform_api", "GET", "/ready"): Entry(Door.PUBLIC),
    ("tenant_api", "POST", "/api/data"): Entry(Door.END_USER, headers=_USER),
    ("tenant_api", "GET", "/api/usage"): Entry(Door.END_USER, headers=_USER),
    ("tenant_api", "POST", "/api/create-checkout"): Entry(
        Door.END_USER, json={"tier": "pro", "email": "who@example.com"}, headers=_USER
    ),
    ("tenant_api", "POST", "/api/customer-portal"): Entry(Door.END_USER, headers=_USER),
    ("tenant_api", "GET", "/api/tiers"): Entry(Door.PUBLIC, query={"platformId": "{platform}"}),
    ("tenant_api", "POST", "/api/developer/register"): Entry(Door.PUBLIC, json={"email": "who@example.com"}),
    ("tenant_api", "GET", "/api/developer/dashboard"): Entry(Door.PLATFORM),
    ("tenant_api", "GET", "/api/developer/customers"): Entry(Door.PLATFORM, query={"q": "{user}"}),
    ("tenant_api", "GET", "/api/developer/customer"): Entry(Door.PLATFORM, query={"userId": "{user}"}),
    ("tenant_api", "GET", "/api/developer/events"): Entry(Door.PLATFORM),
    ("tenant_api", "POST", "/api/developer/events/replay"): Entry(Door.PLATFORM, json={"eventId": "evt_{user}"}),
    ("tenant_api", "POST", "/webhook/stripe"): Entry(Door.SIGNED),
    ("tenant_api", "POST", "/api/signup"): Entry(Door.PERSON, json={"platformId": "{platform}"}),
    ("tenant_api", "GET", "/p/{platformId}"): Entry(Door.PUBLIC, "/p/{platform}"),
    ("tenant_api", "GET", "/preview/{token}"): Entry(Door.PUBLIC, "/preview/{platform}"),
    ("tenant_api", "GET", "/signup/{platformId}"): Entry(Door.PUBLIC, "/signup/{platform}"),
    ("tenant_api", "GET", "/welcome/{platformId}"): Entry(Door.PUBLIC, "/welcome/{platform}"),
    ("tenant_api", "GET", "/pages/{version}/{file:path}"): Entry(Door.PUBLIC, "/pages/0/nothing.js"),
    ("tenant_api", "GET", "/health"): Entry(Door.PUBLIC),
    ("tenant_api", "GET", "/ready"): Entry(Door.PUBLIC),
    ("oauth_bridge", "GET", "/tiers"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "PUT", "/tiers"): Entry(Door.DEVELOPER, json=_TIERS),
    ("oauth_bridge", "POST", "/tiers/publish"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "GET", "/tiers/history"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "POST", "/tiers/rollback"): Entry(Door.DEVELOPER, json={"version": 1}),
    ("oauth_bridge", "POST", "/tiers/preview"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "POST", "/tiers/preview/revoke"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "GET", "/settings"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "PUT", "/settings"): Entry(Door.DEVELOPER, json={"name": "Shop", "origins": []}),
    ("oauth_bridge", "GET", "/connections"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "GET", "/stripe/authorize"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "GET", "/stripe/callback"): Entry(Door.HANDSHAKE, query={"state": "{user}", "code": "ac_1"}),
    ("oauth_bridge", "POST", "/stripe/disconnect"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "GET", "/github/authorize"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "GET", "/github/callback"): Entry(Door.HANDSHAKE, query={"state": "{user}", "code": "ac_1"}),
    ("oauth_bridge", "POST", "/github/unlink"): Entry(Door.DEVELOPER),
    ("oauth_bridge", "GET", "/health"): Entry(Door.PUBLIC),
    ("oauth_bridge", "GET", "/ready"): Entry(Door.PUBLIC),
}


@dataclass(frozen=True)
class Asked:
    """One route with its entry, ready to be asked about somebody."""

    service: str
    method: str
    route: str
    entry: Entry

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.route}"

    def about(self, platform: str, user: str) -> dict[str, Any]:
        """The arguments of `Product.ask`, about that user of that platform; without a credential."""

        def filled(value: Any) -> Any:
            if isinstance(value, str):
                return value.replace("{platform}", platform).replace("{user}", user)
            if isinstance(value, Mapping):
                return {name: filled(inner) for name, inner in value.items()}
            return value

        entry = self.entry
        sent: dict[str, Any] = {"service": self.service, "method": self.method, "headers": filled(entry.headers)}
        sent["path"] = filled(self.route if entry.path is None else entry.path)
        if entry.query:
            sent["params"] = filled(entry.query)
        if entry.json is not None:
            sent["json"] = filled(entry.json)
        return sent


def rows(service: str, app: Starlette) -> Iterator[tuple[str, str, str]]:
    """The rows of an app's route table, one a method; HEAD goes with GET."""
    for route in app.routes:
        if not isinstance(route, Route):
            raise TypeError(f"{service} has {route!r}: teach the registry what that is")
        own = {name.upper() for name in ("get", "put", "post", "patch", "delete") if hasattr(route.endpoint, name)}
        for method in sorted((route.methods or own) - {"HEAD", "OPTIONS"}):
            yield service, method, route.path


TABLE = [row for service, app in apps_on_paper().items() for row in rows(service, app)]
ROUTES = [Asked(*row, REGISTRY[row]) for row in TABLE if row in REGISTRY]

"""Clerk: verifying the tokens of one app against its own key set, and its Backend API for users' public metadata.

Each service builds one `TokenVerifier` for the one app whose tokens it takes; a token of another app is refused by
issuer and key. Keys are cached; an unknown `kid` refetches them at most once in `REFETCH_SECONDS`, and no token whose
key is known ever waits for that.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from jose import jwt
from jose.exceptions import JOSEError

from shared import outside
from shared.adapters.published_keys import PublishedKeys
from shared.adapters.system import Clock
from shared.domain.errors import NotFound, Unauthenticated, Unavailable
from shared.settings import ClerkApp

API_VERSION = "2026-05-12"
LEEWAY_SECONDS = 5
MAX_TOKEN_CHARACTERS = 8192
MAX_AGE_SECONDS = 300
REFETCH_SECONDS = 10
TIMEOUT_SECONDS = 2.0
MOST_VERIFIED = 20_000

# Which kind of token a category tag names: session, template, and "says nothing". Absent is older than the tags.
_USER_TOKEN_CATEGORIES = frozenset({None, "cl_B7d4PD111AAA", "cl_B7d4PD222AAA", "cl_I7d4PD111III"})

# The library checks times by the machine's clock, also where it is only told to require them; ours is passed in.
_OPTIONS = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False, "require_sub": True}

Claims = Mapping[str, Any]


class _Refused(Exception):
    """Why a token is no good; for the log, never for the caller."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token whose signature was found good, by which key, and what it says."""

    kid: str
    key: Mapping[str, Any]
    claims: Claims
    begins: float
    ends: float

    def good_at(self, now: float) -> bool:
        return self.begins <= now + LEEWAY_SECONDS and now < self.ends + LEEWAY_SECONDS


class KeySet(PublishedKeys[Mapping[str, Any]]):
    """The RSA keys of one issuer by `kid`."""

    def __init__(self, url: str, http: httpx.AsyncClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(
            url,
            http,
            _rsa_keys,
            "The sign-in service's keys can't be read just now.",
            refetch_seconds=REFETCH_SECONDS,
            max_age_seconds=MAX_AGE_SECONDS,
            monotonic=monotonic,
        )

    async def published(self) -> Any:
        with outside.asking(outside.CLERK, "key_set"):
            return await super().published()


def _rsa_keys(listed: Any) -> Mapping[str, Mapping[str, Any]]:
    return {key["kid"]: key for key in listed["keys"] if key.get("kty") == "RSA" and isinstance(key.get("kid"), str)}


class TokenVerifier:
    """Verifies the session and template tokens of one Clerk app.

    `azp` must be one of the configured parties when the token names one; a token minted outside a browser names
    none, which the leaked-token attack that `azp` guards against cannot achieve.
    """

    def __init__(
        self,
        app: ClerkApp,
        http: httpx.AsyncClient,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        most_verified: int = MOST_VERIFIED,
    ) -> None:
        self._issuer = app.issuer
        self._parties = app.parties
        self._clock = clock
        self._keys = KeySet(app.key_set_url, http, monotonic)
        self._most_verified = most_verified
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def verify(self, token: str) -> Claims:
        """The claims of a good token; Unauthenticated for any other, without saying more than that.

        A signature is checked once for a token and key; that the key is still published, and the times, every time.
        """
        try:
            name = _name(token)
            known = self._verified.get(name)
            kid = known.kid if known is not None else _header(token)["kid"]
            key = await self._keys.key(kid)
            if key is None:
                raise _Refused("unknown kid")
            good = known if known is not None and known.key == key else self._checked(token, kid, key)
            if not good.good_at(self._clock().timestamp()):
                raise _Refused("not valid at this time")
            if good is not known:
                self._remember(name, good)
            return good.claims
        except _Refused as error:
            raise Unauthenticated("The token is not valid here; sign in again and send a fresh one.") from error

    def verified(self, token: str) -> Claims | None:
        """The claims of a token that is good by what is known here; None of one for which `verify` has to do more."""
        known = self._verified.get(_name(token))
        if known is None or not known.good_at(self._clock().timestamp()):
            return None
        key = self._keys.known(known.kid)
        return known.claims if key is known.key or key == known.key else None

    async def reach(self) -> None:
        """Raises Unavailable where the app's key set can't be read now. Known tokens are verified without it."""
        await self._keys.reach()

    @property
    def remembered(self) -> int:
        """How many tokens need no second check of their signature."""
        return len(self._verified)

    def _remember(self, name: bytes, verified: "_Verified") -> None:
        """Only good tokens come here, so nobody can crowd them out with others."""
        self._verified[name] = verified
        self._verified.move_to_end(name)
        if len(self._verified) > self._most_verified:
            self._verified.popitem(last=False)

    def _checked(self, token: str, kid: str, key: Mapping[str, Any]) -> _Verified:
        try:
            claims: Claims = jwt.decode(token, dict(key), algorithms=["RS256"], issuer=self._issuer, options=_OPTIONS)
            begins, ends = _times(claims)
            self._check_parties(claims)
        except (JOSEError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise _Refused(type(error).__name__) from error
        return _Verified(kid, key, claims, begins, ends)

    def _check_parties(self, claims: Claims) -> None:
        if not str(claims["sub"]).startswith("user_"):
            raise _Refused("sub is no user")
        party = claims.get("azp")
        if party is not None and party not in self._parties:
            raise _Refused("azp")
        if claims.get("sts") == "pending":
            raise _Refused("session is pending")

    async def close(self) -> None:
        await self._keys.close()


def _name(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise _Refused("too long")
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
    except (JOSEError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _Refused("header does not parse") from error
    if header.get("alg") != "RS256" or header.get("typ") != "JWT" or "crit" in header:
        raise _Refused("header")
    kid, category = header.get("kid"), header.get("cat")
    if not isinstance(kid, str) or not isinstance(category, str | None) or category not in _USER_TOKEN_CATEGORIES:
        raise _Refused("kid or category")
    return header


def _times(claims: Claims) -> tuple[float, float]:
    """When a token begins and ends to be good."""
    for name in ("exp", "nbf", "iat"):
        if type(claims[name]) not in {int, float} or not math.isfinite(claims[name]):
            raise _Refused(f"{name} is no number")
    return max(claims["nbf"], claims["iat"]), claims["exp"]


class ClerkUsers:
    """The Backend API of one Clerk app, for users and their public metadata."""

    def __init__(self, app: ClerkApp, http: httpx.AsyncClient) -> None:
        self._base = app.api_url
        self._http = http
        self._headers = {
            "Authorization": f"Bearer {app.secret_key.get_secret_value()}",
            "Clerk-API-Version": API_VERSION,
        }

    async def user(self, user_id: str) -> Mapping[str, Any]:
        """The user as Clerk has it; NotFound when there is none."""
        return await self._request("user", "GET", f"/users/{quote(user_id, safe='')}")

    async def merge_public_metadata(self, user_id: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Deep-merge into publicMetadata: other keys stay, a key set to None is removed. Answers the user."""
        return await self._request(
            "merge_metadata", "PATCH", f"/users/{quote(user_id, safe='')}/metadata", {"public_metadata": dict(changes)}
        )

    async def _request(
        self, operation: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        with outside.asking(outside.CLERK, operation):
            return await self._answer(method, path, body)

    async def _answer(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        try:
            answer = await self._http.request(method, self._base + path, json=body, headers=self._headers)
        except httpx.HTTPError as error:
            raise _clerk_unavailable() from error
        if answer.status_code == 404:
            raise NotFound("There is no such user.")
        if answer.status_code != 200:
            raise _clerk_unavailable()
        try:
            user: Mapping[str, Any] = answer.json()
        except ValueError as error:  # a proxy's own page, or half an answer
            raise _clerk_unavailable() from error
        return user


def _clerk_unavailable() -> Unavailable:
    return Unavailable("The sign-in service did not take the request; try again.", retry_after_seconds=2)


def clerk_http() -> httpx.AsyncClient:
    """The HTTP client for Clerk: short time-outs, no redirects, no proxies or credentials from the environment."""
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)

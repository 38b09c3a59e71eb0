"""GitHub's OAuth: who a developer is there, and nothing else. The bridge's github.py calls it.

No scope is asked for and no token is kept. Source: facts/http.md section 5.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from shared.settings import GitHubApp

API_VERSION = "2022-11-28"
TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class GitHubUser:
    """`id` never changes; `login` may be given up and taken by somebody else."""

    id: int
    login: str


class GitHubFailed(Exception):
    """GitHub did not take the code, or did not say whose it is."""


class GitHub:
    """The operator's OAuth app."""

    def __init__(self, app: GitHubApp, redirect_uri: str) -> None:
        self._app = app
        self._redirect_uri = redirect_uri
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)

    @property
    def issuer(self) -> str:
        """What the callback's `iss` must be, where it is given (RFC 9207)."""
        return f"{self._app.url}/login/oauth"

    def start_url(self, state: str, challenge: str) -> str:
        asked_for = {
            "client_id": self._app.client_id,
            "redirect_uri": self._redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._app.url}/login/oauth/authorize?{urlencode(asked_for)}"

    async def finish(self, code: str, verifier: str) -> GitHubUser:
        """The user behind a code. Raises GitHubFailed."""
        known = {"client_id": self._app.client_id, "client_secret": self._app.client_secret.get_secret_value()}
        given = {"code": code, "redirect_uri": self._redirect_uri, "code_verifier": verifier}
        told = await self._asked("POST", f"{self._app.url}/login/oauth/access_token", {}, known | given)
        token = told.get("access_token")  # errors come with status 200 too
        if not isinstance(token, str):
            raise GitHubFailed(str(told.get("error", "no token")))
        headers = {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": API_VERSION}
        user = await self._asked("GET", f"{self._app.api_url}/user", headers, None)
        if not isinstance(user.get("id"), int) or not isinstance(user.get("login"), str):
            raise GitHubFailed("no user")
        return GitHubUser(user["id"], user["login"])

    async def close(self) -> None:
        await self._http.aclose()

    async def _asked(
        self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None
    ) -> dict[str, Any]:
        sent = {"Accept": "application/json", "User-Agent": "dream-api", **headers}
        try:
            answer = await self._http.request(method, url, headers=sent, data=form)
            found = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise GitHubFailed(type(error).__name__) from error
        if not isinstance(found, dict):
            raise GitHubFailed("an odd answer")
        return found

"""A stand-in for GitHub: OAuth (the page that asks, the exchange with PKCE, who somebody is) and secret scanning.

Started by the supervisor, and by tests on a socket. As GitHub does, the exchange answers its errors with status 200,
and every return to the application carries `iss`.
"""

import argparse
import base64
import hashlib
import hmac
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from infra.sandbox.layout import HOST
from infra.sandbox.scanner import Scanner
from infra.sandbox.stripe.form import parse
from infra.sandbox.stripe.page import message, shown, text

SECRET_VARIABLE = "GITHUB_CLIENT_SECRET"  # noqa: S105 - its name, not its value
CODE_SECONDS = 600
KEPT = ("client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method")


@dataclass(frozen=True, slots=True)
class App:
    """The operator's OAuth app."""

    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for, until it has been exchanged."""

    login: str
    redirect_uri: str
    challenge: str | None
    expires: float


class GitHub:
    """One stand-in; it remembers nothing but codes and tokens, and forgets these when it stops."""

    def __init__(self, app: App, clock: Callable[[], float] = time.time, scanner: Scanner | None = None) -> None:
        self._app = app
        self._scanner = scanner or Scanner()
        self._clock = clock
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, str] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/login/oauth/authorize", self._ask, methods=["GET"]),
                Route("/login/oauth/authorize", self._decide, methods=["POST"]),
                Route("/login/oauth/access_token", self._exchange, methods=["POST"]),
                Route("/user", self._user, methods=["GET"]),
                Route("/health", self._health, methods=["GET"]),
                *self._scanner.routes(),
            ]
        )

    async def _ask(self, request: Request) -> Response:
        given = dict(request.query_params)
        return self._refused(given) or _page(given)

    async def _decide(self, request: Request) -> Response:
        given = await _form(request)
        refused = self._refused(given)
        if refused is not None:
            return refused
        login = given.get("login", "")
        if given.get("decision") != "authorize" or not login:
            denied = "The user has denied your application access."
            return _back(request, given, error="access_denied", error_description=denied)
        code = token_urlsafe(20)
        expires = self._clock() + CODE_SECONDS
        self._codes[code] = Code(login, given["redirect_uri"], given.get("code_challenge"), expires)
        return _back(request, given, code=code)

    async def _exchange(self, request: Request) -> Response:
        given = await _form(request)
        secret = given.get("client_secret", "")
        known = hmac.compare_digest(secret.encode(), self._app.client_secret.encode())
        if given.get("client_id") != self._app.client_id or not known:
            return _refusal("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
        code = self._codes.pop(given.get("code", ""), None)
        if code is None or self._clock() >= code.expires or not _proven(code, given.get("code_verifier")):
            return _refusal("bad_verification_code", "The code passed is incorrect or expired.")
        if given.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            return _refusal("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL.")
        token = "gho_" + token_urlsafe(27)
        self._tokens[token] = code.login
        return JSONResponse({"access_token": token, "token_type": "bearer", "scope": ""})

    async def _user(self, request: Request) -> Response:
        login = self._tokens.get(request.headers.get("authorization", "").partition(" ")[2])
        if login is None:
            return JSONResponse({"message": "Bad credentials"}, 401)
        return JSONResponse({"login": login, "id": user_id(login), "type": "User"})

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def _refused(self, given: dict[str, str]) -> Response | None:
        if given.get("client_id") != self._app.client_id:
            return message("Not found", "No application has this client id.", status=404)
        if given.get("redirect_uri") != self._app.redirect_uri:
            return message("Be careful!", "The redirect_uri is not associated with this application.", status=400)
        if "code_challenge" in given and given.get("code_challenge_method") != "S256":
            return message("Be careful!", "The code challenge method must be S256.", status=400)
        return None


def user_id(login: str) -> int:
    """The number of an account, the same whenever the login is."""
    return int.from_bytes(hashlib.sha256(login.encode()).digest()[:4])


async def _form(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in parse((await request.body()).decode("utf-8", "replace")).items()}


def _proven(code: Code, verifier: str | None) -> bool:
    if code.challenge is None:
        return True
    digest = hashlib.sha256((verifier or "").encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).decode().rstrip("="), code.challenge)


def _refusal(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description})


def _back(request: Request, given: dict[str, str], **answer: str) -> Response:
    issuer = str(request.base_url).rstrip("/") + "/login/oauth"
    state = {"state": given["state"]} if "state" in given else {}
    return RedirectResponse(f"{given['redirect_uri']}?{urlencode(answer | state | {'iss': issuer})}", 303)


def _page(given: dict[str, str]) -> Response:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{text(given[name])}">' for name in KEPT if name in given
    )
    body = (
        '<section class="card"><h1>Authorize dream-api</h1><p class="soft">It asks to know who you are, and for nothing'
        f' else.</p><form method="post" action="/login/oauth/authorize">{hidden}'
        '<label for="login">Sign in as</label><input id="login" name="login" value="octo-dev" required>'
        '<button name="decision" value="authorize">Authorize</button>'
        '<button class="quiet" name="decision" value="cancel">Cancel</button></form></section>'
    )
    return shown("Authorize dream-api", "GitHub", body)


def main() -> None:
    """`python -m infra.sandbox.github --port P --client-id ID --redirect-uri U [--alerts U]`, the secret a variable."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--redirect-uri", required=True)
    parser.add_argument("--alerts", help="where alerts of leaked keys go")
    asked = parser.parse_args()
    github = GitHub(
        App(asked.client_id, os.environ[SECRET_VARIABLE], asked.redirect_uri), scanner=Scanner(asked.alerts)
    )
    uvicorn.run(github.app(), host=HOST, port=asked.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()

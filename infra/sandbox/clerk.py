"""A stand-in Clerk for one app, run once for developers and once for end-users, each with keys and users of its own.

Started by the supervisor. Serves the key set, the Backend API, a sign-in page, and in place of Clerk's two browser
scripts a small `window.Clerk` double. `/_sandbox/…` is the double's and the sandbox's own and exists nowhere else.
"""

import argparse
import os
import re
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from infra.sandbox.clerk_backend import Backend, Refusal, refused
from infra.sandbox.clerk_state import ClerkState, User
from infra.sandbox.clerk_tokens import LIFETIME_SECONDS, TEMPLATES, key_set, minted
from infra.sandbox.layout import HOST

KEY_VARIABLE = "CLERK_SECRET_KEY"  # the variable, so that no process list shows the value
_PAGES = Path(__file__).parent / "clerk_pages"
_EMAIL = re.compile(r"[^@\s]{1,100}@[^@\s]{1,150}")
_LOOPBACK = r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?"
OWN_ACCOUNT = "your account"
_TITLES = {"end-user-api": OWN_ACCOUNT}


class Clerk:
    """The HTTP face of one stand-in."""

    def __init__(self, app: str, state: ClerkState, issuer: str, secret_key: str) -> None:
        self._app = app
        self._state = state
        self.issuer = issuer
        self._backend = Backend(state, issuer, secret_key)

    def app(self) -> Starlette:
        double = Route("/npm/@clerk/clerk-js@6/dist/clerk.browser.js", self._script("clerk.js"))
        interface = Route("/npm/@clerk/ui@1/dist/ui.browser.js", self._script("ui.js"))
        routes = [
            Route("/.well-known/jwks.json", self._keys),
            Mount("/v1", routes=self._backend.routes()),
            interface,
            double,
            Route("/sign-in", self._page),
            Route("/sign-up", self._page),
            Route("/health", self._health),
            Route("/_sandbox/rotate-keys", self._rotate, methods=["POST"]),
            Route("/_sandbox/token", self._any_token, methods=["POST"]),
            Route("/_sandbox/sessions", self._sign_in, methods=["POST"]),
            Route("/_sandbox/sessions/{session_id}", self._session, methods=["GET", "DELETE"]),
            Route("/_sandbox/sessions/{session_id}/token", self._session_token, methods=["POST"]),
        ]
        cors = Middleware(CORSMiddleware, allow_origin_regex=_LOOPBACK, allow_methods=["*"], allow_headers=["*"])
        handlers: dict[Any, Any] = {Refusal: refused}
        return Starlette(routes=routes, middleware=[cors], exception_handlers=handlers)

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse(key_set(self._state), headers={"Cache-Control": "no-cache"})

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _page(self, request: Request) -> Response:
        page, app = (_PAGES / "sign-in.html").read_text(), _TITLES.get(self._app, self._app)
        signing_up = request.url.path == "/sign-up"
        title = f"Create {app}" if app == OWN_ACCOUNT else f"Sign up for {app}"
        return HTMLResponse(page.replace("{{title}}", title if signing_up else f"Sign in to {app}"))

    def _script(self, name: str) -> Any:
        async def script(_request: Request) -> Response:
            return Response((_PAGES / name).read_text(), media_type="text/javascript")

        return script

    async def _rotate(self, request: Request) -> Response:
        kid = self._state.rotate_keys(drop_old=request.query_params.get("drop_old") == "true")
        return JSONResponse({"kid": kid})

    async def _any_token(self, request: Request) -> Response:
        """A token for a user id or an e-mail address, whose user is made when there is none."""
        asked = await request.json()
        user = self._state.users.get(asked.get("userId", ""))
        if user is None:
            user = self._by_email(str(asked.get("email", "")))
        template = asked.get("template")
        if template is not None and template not in TEMPLATES:
            raise Refusal(404, "resource_not_found", f"There is no template {template}.")
        seconds = int(asked.get("expiresInSeconds", LIFETIME_SECONDS))
        session_id = self._state.start_session(user["id"])
        jwt = minted(self._state, self.issuer, user, session_id, template, asked.get("origin"), seconds)
        return JSONResponse({"jwt": jwt, "userId": user["id"]})

    async def _sign_in(self, request: Request) -> Response:
        user = self._by_email(str((await request.json()).get("email", "")))
        return JSONResponse({"sessionId": self._state.start_session(user["id"]), "user": shown(user)})

    async def _session(self, request: Request) -> Response:
        session_id = request.path_params["session_id"]
        user = self._signed_in(session_id)
        if request.method == "DELETE":
            del self._state.sessions[session_id]
            self._state.save()
        return JSONResponse({"sessionId": session_id, "user": shown(user)})

    async def _session_token(self, request: Request) -> Response:
        session_id = request.path_params["session_id"]
        user = self._signed_in(session_id)
        template = (await request.json()).get("template")
        if template is not None and template not in TEMPLATES:
            raise Refusal(404, "resource_not_found", f"There is no template {template}.")
        origin = request.headers.get("origin")
        jwt = minted(self._state, self.issuer, user, session_id, template, origin, LIFETIME_SECONDS)
        return JSONResponse({"jwt": jwt})

    def _signed_in(self, session_id: str) -> User:
        user = self._state.users.get(self._state.sessions.get(session_id, ""))
        if user is None:
            raise Refusal(401, "session_invalid", "Signed out.")
        return user

    def _by_email(self, email: str) -> User:
        if _EMAIL.fullmatch(email) is None:
            raise Refusal(422, "form_param_format_invalid", "That is no e-mail address and no known user id.")
        return self._state.user_by_email(email) or self._state.create_user(email)


def shown(user: User) -> dict[str, Any]:
    """A user as the browser's script sees it: no private metadata."""
    address: dict[str, Any] = next(iter(user["email_addresses"]), {})
    return {
        "id": user["id"],
        "primaryEmailAddress": {"emailAddress": address.get("email_address")},
        "publicMetadata": user["public_metadata"],
        "unsafeMetadata": user["unsafe_metadata"],
    }


def main() -> None:
    """`python -m infra.sandbox.clerk --app NAME --port P --state FILE`, the secret key in CLERK_SECRET_KEY."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--app", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    asked = parser.parse_args()
    clerk = Clerk(asked.app, ClerkState(asked.state), f"http://{HOST}:{asked.port}", os.environ[KEY_VARIABLE])
    uvicorn.run(clerk.app(), host=HOST, port=asked.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()

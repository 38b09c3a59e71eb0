"""The browser's half of an OAuth handshake: the cookie that ties it to one browser, and the way back to the dashboard.

Called by routes/stripe.py and routes/github.py. Every return clears the cookie.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from oauth_bridge.connect import Away
from oauth_bridge.handshakes import LIFE_SECONDS


@dataclass(frozen=True, slots=True)
class Returned:
    """What a provider's redirect brings; a parameter that is not there exactly once is as good as absent."""

    state: str | None
    browser: str | None
    code: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Browser:
    """Cookies and redirects of this installation. `secure` where the bridge is reached by https."""

    dashboard_url: str
    secure: bool

    def sent_away(self, provider: str, away: Away) -> Response:
        """The address to go to, and the cookie that has to come back.

        SameSite=Lax: a Strict cookie would not be sent when the provider leads back.
        """
        answer = JSONResponse({"url": away.url})
        answer.set_cookie(
            self._cookie(provider),
            away.browser,
            max_age=LIFE_SECONDS,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    def returned(self, provider: str, request: Request) -> Returned:
        given = {name: _once(request, name) for name in ("state", "code", "error")}
        return Returned(browser=request.cookies.get(self._cookie(provider)), **given)

    def back(self, provider: str, outcome: str) -> Response:
        """To the dashboard at once, so that no page is ever shown at an address that holds a code."""
        answer = RedirectResponse(f"{self.dashboard_url}?{provider}={outcome}", 303)
        answer.delete_cookie(self._cookie(provider), secure=self.secure, httponly=True, samesite="lax")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _cookie(self, provider: str) -> str:
        # Browsers take a __Host- cookie only over https, and from the host itself only: no subdomain can plant one.
        return f"__Host-oauth_{provider}" if self.secure else f"oauth_{provider}"


def _once(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 else None

"""`GET /` (what this is), `GET /dashboard` and the files of both; everything the dashboard shows it asks the APIs for.

The pages are filled in once, when the app is built: they hold addresses and the plans' numbers, nothing of a person.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from platform_api import plans
from platform_api.settings import Settings
from shared.web.pages import Files, filled, page, policy

FOLDER = Path(__file__).parents[1] / "dashboard"


class Pages:
    """The pages of one installation, whose addresses are in its settings."""

    def __init__(self, settings: Settings) -> None:
        self.files = Files(FOLDER, "/static")
        clerk, services = settings.developer_clerk, (settings.oauth_bridge_url, settings.tenant_api_url)
        values = {
            "static": self.files.base,
            "clerk": clerk.issuer,
            "publishable_key": clerk.publishable_key,
            "bridge": settings.oauth_bridge_url,
            "tenant": settings.tenant_api_url,
            "free": str(plans.FREE.limit),
            "paid": str(plans.PAID.limit),
            "rate": str(plans.RATE_PER_MINUTE),
            "price": plans.PAID_PRICE,
        }
        self._policy = policy(clerk.issuer, services)
        self._landing = filled((FOLDER / "landing.html").read_text(), values)
        self._dashboard = filled((FOLDER / "dashboard.html").read_text(), values)

    async def landing(self, request: Request) -> Response:
        return page(request, self._landing, self._policy)

    async def dashboard(self, request: Request) -> Response:
        return page(request, self._dashboard, self._policy)

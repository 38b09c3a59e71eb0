"""Draws the hosted pages: storefronts and sentences in, HTML with its Content-Security-Policy out.

Built in deps.py, called by routes/pages.py. Templates are Jinja's with every value escaped; what the scripts need to
know stands in data attributes, so that no page has a script of its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.settings import ClerkApp
from shared.web.pages import Files, policy
from tenant_api.pages.offers import offer
from tenant_api.storefronts import Storefront

HERE = Path(__file__).parent
ADDRESS = "/pages"

# A page without scripts and without Clerk.
_STILL = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page, ready to be sent."""

    text: str
    policy: str


class Look:
    """The pages of one installation; `url` is where they are."""

    def __init__(self, clerk: ClerkApp, url: str) -> None:
        self.files = Files(HERE / "files", ADDRESS)
        self._policy = policy(clerk.issuer)
        self._url = url
        # Compiled once: what is on disk when the service starts is what it serves.
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "file": self.files.address,
            "clerk": {"url": clerk.issuer, "key": clerk.publishable_key},
        }

    def pricing(self, shop: Storefront, return_to: str | None) -> Drawn:
        return self._live("pricing.html", shop, return_to, preview=False, **_cards(shop))

    def preview(self, shop: Storefront) -> Drawn:
        text = self._drawn("pricing.html", shop, preview=True, **_cards(shop))
        return Drawn(text, _STILL)

    def signup(self, shop: Storefront, return_to: str | None, tier: str | None, *, known: bool) -> Drawn:
        """`known` is for somebody who says that they have an account."""
        bought = next((one.display_name for one in shop.tiers if one.name == tier), None)
        tier = tier if bought else None
        return self._live("signup.html", shop, return_to, tier=tier, bought=bought, known=known)

    def welcome(self, shop: Storefront, return_to: str | None, tier: str | None) -> Drawn:
        bought = next((one.display_name for one in shop.tiers if one.name == tier), None)
        return self._live("welcome.html", shop, return_to, tier=tier if bought else None, bought=bought)

    def message(self, title: str, sentence: str, request_id: str | None = None) -> Drawn:
        """A page that only says something, such as that there is nothing here."""
        text = self._templates.get_template("message.html").render(
            title=title, sentence=sentence, request_id=request_id, name=None
        )
        return Drawn(text, _STILL)

    def _live(self, template: str, shop: Storefront, return_to: str | None, **facts: Any) -> Drawn:
        """A page with scripts, which need to know where they are and where to go afterwards."""
        text = self._drawn(template, shop, return_to=return_to, url=self._url, **facts)
        return Drawn(text, self._policy)

    def _drawn(self, template: str, shop: Storefront, **facts: Any) -> str:
        known = {"platform_id": shop.platform_id, "name": shop.settings.name}
        return self._templates.get_template(template).render(**known, **facts)


def _cards(shop: Storefront) -> dict[str, Any]:
    offers = [offer(tier, on_sale=tier.name in shop.on_sale) for tier in shop.tiers]
    intervals = {one.interval for one in offers if one.interval}
    popular = next((one.interval for one in offers if one.popular and one.interval), None)
    shown = popular or ("month" if "month" in intervals else "year")
    return {"offers": offers, "choice": len(intervals) > 1, "shown": shown}

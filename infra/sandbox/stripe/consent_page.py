"""Connect's consent page: `GET /oauth/authorize` asks which account to connect, `POST` sends its owner back.

Without a client id and redirect URI to trust nothing is redirected; every other mistake goes back as an error.
"""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.sandbox.stripe import accounts, oauth
from infra.sandbox.stripe.config import PLATFORM
from infra.sandbox.stripe.errors import OAuthRefusal, Refusal
from infra.sandbox.stripe.form import parse
from infra.sandbox.stripe.page import message, shown, text
from infra.sandbox.stripe.world import World

KEPT = ("client_id", "redirect_uri", "response_type", "scope", "state")
NEW = "new"


class ConsentPage:
    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, request: Request) -> Response:
        given = dict(request.query_params)
        return self._refused(given) or self._page(given, request)

    async def post(self, request: Request) -> Response:
        given = {name: str(value) for name, value in parse((await request.body()).decode("utf-8", "replace")).items()}
        refused = self._refused(given)
        if refused is not None:
            return refused
        if given.get("decision") != "connect":
            return _back(given, error="access_denied", error_description="The user denied your request")
        try:
            with self._world.store.transaction():
                account_id = self._agreed(given)
                code = oauth.issue(self._world, account_id, given["client_id"])
        except Refusal as refusal:
            return message("That account can't be connected", refusal.message, status=400)
        return _back(given, code=code, scope=oauth.SCOPE)

    def _refused(self, given: dict[str, str]) -> Response | None:
        config = self._world.config
        client_id, redirect_uri = given.get("client_id", ""), given.get("redirect_uri", "")
        if not client_id.startswith("ca_") or config.client_id not in {None, client_id}:
            return message("Unknown application", "No application matches the supplied client identifier.", status=400)
        if not redirect_uri.startswith(("http://", "https://")) or (
            config.redirect_uris and redirect_uri not in config.redirect_uris
        ):
            return message("Invalid redirect URI", "It is not among the application's redirect URIs.", status=400)
        try:
            _check(given)
        except OAuthRefusal as refusal:
            return _back(given, error=refusal.error, error_description=refusal.description)
        return None

    def _agreed(self, given: dict[str, str]) -> str:
        chosen = given.get("account", NEW)
        store = self._world.store
        if chosen == NEW:
            made = accounts.create(store, self._world.clock.now(), given.get("email"), given.get("business_name"))
            return str(made["id"])
        if chosen == PLATFORM or accounts.find(store, chosen) is None:
            raise Refusal("There is no such account in the sandbox.")
        return chosen

    def _page(self, given: dict[str, str], request: Request) -> Response:
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{text(given[name])}">' for name in KEPT if name in given
        )
        existing = "".join(
            f'<label class="choice"><input type="radio" name="account" value="{text(one["id"])}">'
            f"{text(one['business_profile']['name'] or one['email'] or one['id'])}</label>"
            for one in accounts.known(self._world.store)
        )
        name = request.query_params.get("stripe_user[business_name]", "My business")
        email = request.query_params.get("stripe_user[email]", "owner@example.com")
        body = (
            '<section class="card"><h1>Connect your Stripe account</h1><p class="soft">dream-api asks to manage'
            " products, checkouts and subscriptions on the account you choose. You can disconnect it at any time.</p>"
            f'<form method="post" action="/oauth/authorize">{hidden}<label class="choice"><input type="radio"'
            f' name="account" value="{NEW}" checked>Create a new account</label>'
            f'<label for="business_name">Business name</label><input id="business_name" name="business_name"'
            f' value="{text(name)}"><label for="email">Email</label><input id="email" name="email" type="email"'
            f' value="{text(email)}">{existing}<button name="decision" value="connect">Connect</button>'
            '<button class="quiet" name="decision" value="deny">Deny</button></form></section>'
        )
        return shown("Connect your Stripe account", "Stripe Connect", body)


def _check(given: dict[str, str]) -> None:
    if given.get("response_type") != "code":
        raise OAuthRefusal("unsupported_response_type", "Only 'code' is a valid response_type.")
    if given.get("scope") != oauth.SCOPE:
        # read_only is the default of the real page, and there too usable by extensions only.
        raise OAuthRefusal("invalid_scope", "This application may only ask for the scope read_write.")


def _back(given: dict[str, str], **answer: str) -> Response:
    if "state" in given:
        answer["state"] = given["state"]
    mark = "&" if "?" in given["redirect_uri"] else "?"
    return RedirectResponse(f"{given['redirect_uri']}{mark}{urlencode(answer)}", 303)

"""The bridge described, for /openapi.json and /docs: what each route of app.py takes, answers and refuses."""

from typing import Literal

from oauth_bridge.routes.settings import SettingsBody
from oauth_bridge.routes.tiers import RollbackBody, TiersBody
from shared.domain import errors
from shared.web.descriptions import DEVELOPER, EVERYWHERE, Tier
from shared.web.openapi import Answer, Operation, Operations, Parameter

TITLE = "dream-api: the bridge"
TOKEN = ("developer",)
SCHEMES = DEVELOPER


class Draft(Answer):
    tiers: list[Tier]


class Published(Answer):
    """What end-users can be on now; version 0 is the default until the first publish."""

    version: int
    tiers: list[Tier]


class TierState(Answer):
    platform_id: str
    draft: Draft
    published: Published


class Version(Answer):
    """One version that was published, by whom and when."""

    version: int
    tiers: list[Tier]
    published_by: str
    published_at: str


class History(Answer):
    """Versions, newest first; `next` is the `before` of the page after, null on the last."""

    versions: list[Version]
    next: int | None


class Preview(Answer):
    url: str
    expires_at: str


class Revoked(Answer):
    revoked: Literal[True]


class PlatformSettings(Answer):
    name: str | None
    origins: list[str]


class StripeConnection(Answer):
    """`available` is false where the operator has not set Connect up."""

    available: bool
    status: Literal["none", "connected", "disconnected"]
    account_id: str | None
    livemode: bool | None
    connected_at: str | None


class GitHubConnection(Answer):
    available: bool
    linked: bool
    id: int | None
    login: str | None
    linked_at: str | None


class Connections(Answer):
    platform_id: str
    stripe: StripeConnection
    github: GitHubConnection


class Away(Answer):
    """Where to go next, in the browser that made this request: the answer's cookie has to come back from there."""

    url: str


_PLATFORM = (errors.Conflict,)
_RETURN = tuple(Parameter(name, f"The provider's `{name}`.") for name in ("state", "code", "error"))
_BEFORE = Parameter("before", "A version: those before it.", schema={"type": "integer", "minimum": 1})


def _away(site: str) -> Operation:
    return Operation(f"Where to agree at {site}; fetch it with credentials.", Away, TOKEN, errors=_PLATFORM)


def _back(site: str, *more: Parameter) -> Operation:
    summary = f"Where {site} leads back to: on to the dashboard, with a word."
    return Operation(summary, None, parameters=(*_RETURN, *more), status=303, store=False)


OPERATIONS: Operations = {
    ("GET", "/tiers"): Operation("Draft and published tiers.", TierState, TOKEN, errors=_PLATFORM),
    ("PUT", "/tiers"): Operation(
        "Replaces the draft; every bad field is named.", TierState, TOKEN, body=TiersBody, errors=_PLATFORM
    ),
    ("POST", "/tiers/publish"): Operation(
        "Makes the draft what end-users get, within 2 seconds.", TierState, TOKEN, errors=_PLATFORM
    ),
    ("GET", "/tiers/history"): Operation(
        "Every published version, newest first.",
        History,
        TOKEN,
        parameters=(_BEFORE,),
        errors=(*_PLATFORM, errors.BadRequest),
    ),
    ("POST", "/tiers/rollback"): Operation(
        "Publishes what a version was, and makes it the draft.",
        TierState,
        TOKEN,
        body=RollbackBody,
        errors=(*_PLATFORM, errors.NotFound),
    ),
    ("POST", "/tiers/preview"): Operation("A link that shows the draft for a day.", Preview, TOKEN, errors=_PLATFORM),
    ("POST", "/tiers/preview/revoke"): Operation("Ends every such link.", Revoked, TOKEN, errors=_PLATFORM),
    ("GET", "/settings"): Operation("The platform's settings.", PlatformSettings, TOKEN, errors=_PLATFORM),
    ("PUT", "/settings"): Operation(
        "Replaces them: the name end-users see, the origins they may be returned to.",
        PlatformSettings,
        TOKEN,
        body=SettingsBody,
        errors=_PLATFORM,
    ),
    ("GET", "/connections"): Operation(
        "The Stripe account and the GitHub identity.", Connections, TOKEN, errors=_PLATFORM
    ),
    ("GET", "/stripe/authorize"): _away("Stripe"),
    ("GET", "/stripe/callback"): _back("Stripe"),
    ("POST", "/stripe/disconnect"): Operation("Ends the connection.", Connections, TOKEN, errors=_PLATFORM),
    ("GET", "/github/authorize"): _away("GitHub"),
    ("GET", "/github/callback"): _back("GitHub", Parameter("iss", "Whose answer this is (RFC 9207).")),
    ("POST", "/github/unlink"): Operation("Forgets the identity.", Connections, TOKEN, errors=_PLATFORM),
    **EVERYWHERE,
}

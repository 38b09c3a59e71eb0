"""tenant_api described, for /openapi.json and /docs: what each route of app.py takes, answers and refuses."""

from typing import Any, Literal

from shared.domain import errors
from shared.web.descriptions import EVERYWHERE, STRIPE, Portal, Received, Standing, Tier, Usage
from shared.web.openapi import HTML, Answer, Operation, Operations, Parameter
from tenant_api import dashboard_description
from tenant_api.routes.billing import CheckoutBody, PortalBody
from tenant_api.routes.developers import Registration
from tenant_api.routes.signup import SignupBody
from tenant_api.routes.usage import Call

TITLE = "dream-api: the end-users' API"

KEY = ("platformKey",)
SIGNED = ("stripeSignature",)
EITHER = ("platformKey", "endUser")
SCHEMES: dict[str, Any] = {
    "platformKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "pk_live_…",
        "description": "The developer's server, by the platform's API key",
    },
    "endUser": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An end-user, by a token of the end-users' Clerk app",
    },
    **STRIPE,
}
USER = (
    Parameter(
        "X-User-Id",
        "With an API key: which end-user calls. Refused with a token, which says so itself.",
        "header",
        schema={"type": "string", "minLength": 1, "maxLength": 256},
    ),
    Parameter(
        "X-User-Plan",
        "With an API key: the tier by its name; without it the subscription counts, then the free tier.",
        "header",
        schema={"type": "string", "maxLength": 40},
    ),
)
_END_USER = (errors.BadRequest, errors.Forbidden, errors.UnknownTier, errors.NoTier)
_BILLING = (errors.Conflict, errors.NotFound)


class Counted(Answer):
    success: Literal[True]
    usage: Usage


class Tiers(Answer):
    platform_id: str
    version: int
    tiers: list[Tier]


class Registered(Answer):
    platform_id: str
    api_key: str
    created_at: str


class Checkout(Answer):
    """Where to go: Stripe's checkout, or, when `portal` is true, the portal of who pays already."""

    url: str
    portal: bool


class Joined(Answer):
    """The platform that the end-user belongs to from now on, and what they are on."""

    platform_id: str
    plan: str


# The hosted pages, for browsers: what goes wrong there is told by a page as well.
PLATFORM = Parameter("platformId", "The platform.", "path")
RETURN_TO = Parameter("return_to", "Where the end-user goes in the end; only to the platform's own origins and here.")
TIER = Parameter("tier", "The tier that is bought on the way.")
KNOWN = Parameter("known", "`1` for who has an account: the form to sign in.")


def _page(summary: str, *parameters: Parameter) -> Operation:
    return Operation(summary, HTML, parameters=parameters, store=False, pages=(404, 503))


OPERATIONS: Operations = {
    ("POST", "/api/data"): Operation(
        "Counts one call of an end-user against their tier, or refuses it.",
        Counted,
        EITHER,
        body=Call,
        parameters=USER,
        errors=(*_END_USER, errors.TierLimitReached),
        metered=True,
    ),
    ("GET", "/api/usage"): Operation(
        "Where the end-user stands; not counted.", Standing, EITHER, parameters=USER, errors=_END_USER
    ),
    ("GET", "/api/tiers"): Operation(
        "What a platform sells.",
        Tiers,
        parameters=(Parameter("platformId", "The platform.", required=True),),
        errors=(errors.BadRequest, errors.NotFound),
    ),
    ("POST", "/api/developer/register"): Operation(
        "A platform by e-mail, where the operator has switched it on; limited per address.",
        Registered,
        body=Registration,
        errors=(errors.NotFound, errors.RateLimited),
        status=201,
    ),
    **dashboard_description.OPERATIONS,
    ("POST", "/api/create-checkout"): Operation(
        "Where to pay for a tier, on the developer's own Stripe account.",
        Checkout,
        EITHER,
        body=CheckoutBody,
        parameters=USER,
        errors=(*_END_USER, *_BILLING),
    ),
    ("POST", "/api/customer-portal"): Operation(
        "Where to change tiers or cancel.",
        Portal,
        EITHER,
        body=PortalBody,
        parameters=USER,
        errors=(*_END_USER, *_BILLING),
    ),
    ("POST", "/webhook/stripe"): Operation(
        "Events of the developers' connected accounts.", Received, SIGNED, body=object, errors=_BILLING
    ),
    ("POST", "/api/signup"): Operation(
        "Makes who is signed in an end-user of a platform, on its free tier. The first platform wins.",
        Joined,
        ("endUser",),
        body=SignupBody,
        errors=(errors.NotFound, errors.Conflict, errors.RateLimited),
    ),
    ("GET", "/p/{platformId}"): _page("Tiers and buying them.", PLATFORM, RETURN_TO),
    ("GET", "/preview/{token}"): _page(
        "The draft of the tiers; nothing can be bought.", Parameter("token", "From the link the bridge made.", "path")
    ),
    ("GET", "/signup/{platformId}"): _page("Signing up, or in.", PLATFORM, RETURN_TO, TIER, KNOWN),
    ("GET", "/welcome/{platformId}"): _page("Waiting for a paid tier, then on.", PLATFORM, RETURN_TO, TIER),
    ("GET", "/pages/{version}/{file:path}"): Operation(
        "Files of the pages.",
        "*/*",
        parameters=(Parameter("version", "Of all files.", "path"), Parameter("file", "Its name.", "path")),
        errors=(errors.NotFound,),
        store=False,
    ),
    **EVERYWHERE,
}

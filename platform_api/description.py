"""platform_api described, for /openapi.json and /docs: what each route of app.py takes, answers and refuses."""

from typing import Literal

from platform_api.routes.credentials import Rotation
from shared.domain import errors
from shared.web.body import Body
from shared.web.descriptions import DEVELOPER, EVERYWHERE, STRIPE, Portal, Received, Standing, Usage
from shared.web.openapi import HTML, Answer, Operation, Operations, Parameter

TITLE = "dream-api: the developers' API"

TOKEN = ("developer",)
SIGNED = ("stripeSignature",)
SCHEMES = {**DEVELOPER, **STRIPE}


class Verified(Answer):
    success: Literal[True]
    user_id: str
    plan: str
    usage: Usage


class Generated(Answer):
    platform_id: str
    api_key: str | None


class Credentials(Answer):
    """`apiKey` is null once the credentials are revoked."""

    platform_id: str
    api_key: str | None
    created_at: str
    rotated_at: str | None = None
    previous_key_valid_until: str | None = None
    revoked_at: str | None = None


class Found(Answer):
    """Credentials, or nulls for who has none and asked with `orNone`."""

    platform_id: str | None
    api_key: str | None
    created_at: str | None = None
    rotated_at: str | None = None
    previous_key_valid_until: str | None = None
    revoked_at: str | None = None


class Checkout(Answer):
    """Where to go: Stripe's checkout, or, when `portal` is true, the portal of who pays already."""

    checkout_url: str
    portal: bool


_BILLING = (errors.Conflict, errors.Unavailable)

OPERATIONS: Operations = {
    ("GET", "/"): Operation("What this is, for people.", HTML, store=False),
    ("GET", "/dashboard"): Operation("The developers' dashboard.", HTML, store=False),
    ("GET", "/static/{version}/{file:path}"): Operation(
        "Files of both pages.",
        "*/*",
        parameters=(Parameter("version", "Of all files.", "path"), Parameter("file", "Its name.", "path")),
        errors=(errors.NotFound,),
        store=False,
    ),
    ("POST", "/verify-auth"): Operation(
        "Counts one call of the developer, or refuses it: free 5, paid 500 a month, 100 a minute.",
        Verified,
        TOKEN,
        errors=(errors.UsageLimitReached, errors.PayloadTooLarge),
        metered=True,
    ),
    ("GET", "/usage"): Operation("Where the developer stands; not counted.", Standing, TOKEN),
    ("POST", "/generate-credentials"): Operation(
        "The developer's platform id and API key; the same ones when asked again.", Generated, TOKEN, body=Body
    ),
    ("GET", "/get-credentials"): Operation(
        "Shows them.",
        Found,
        TOKEN,
        parameters=(Parameter("orNone", "`true`: who has none gets a 200 with nulls instead of a 404."),),
        errors=(errors.NotFound,),
    ),
    ("POST", "/rotate-credentials"): Operation(
        "A new key; the old one works on for the overlap.",
        Credentials,
        TOKEN,
        body=Rotation,
        errors=(errors.NotFound, errors.Conflict),
    ),
    ("POST", "/revoke-credentials"): Operation(
        "Both keys stop, at the tenant API within 2 seconds.", Credentials, TOKEN, body=Body, errors=(errors.NotFound,)
    ),
    ("POST", "/create-checkout"): Operation(
        "Where to pay for the paid plan. Never refused for a used-up month.", Checkout, TOKEN, errors=_BILLING
    ),
    ("POST", "/customer-portal"): Operation("Where to change or cancel it.", Portal, TOKEN, errors=_BILLING),
    ("POST", "/webhook/stripe"): Operation(
        "Events of the operator's own Stripe account.", Received, SIGNED, body=object, errors=_BILLING
    ),
    **EVERYWHERE,
}

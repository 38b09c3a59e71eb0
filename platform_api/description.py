"""platform_api described, for /openapi.json and /docs: what each route of app.py takes, answers and refuses."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, RootModel

from platform_api.leak import Deed, Policy
from platform_api.routes.credentials import Rotation
from platform_api.routes.leaks import Chosen, Dismissed
from shared.domain import errors
from shared.web.body import Body
from shared.web.descriptions import DEVELOPER, EVERYWHERE, STRIPE, Portal, Received, Standing, Usage
from shared.web.openapi import HTML, Answer, Operation, Operations, Parameter

TITLE = "dream-api: the developers' API"

TOKEN = ("developer",)
SIGNED = ("stripeSignature",)
ALERT = ("scannerSignature",)
SCANNER = {
    "scannerSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Github-Public-Key-Signature",
        "description": "A secret scanner, by its signature; Github-Public-Key-Identifier names the key",
    }
}
SCHEMES = {**DEVELOPER, **STRIPE, **SCANNER}


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


class LeakPlace(Answer):
    """Where a key was found, in the scanner's words; the address may be empty."""

    url: str
    source: str
    at: str


class LeakNotice(Answer):
    """A leaked key. `worksUntil` is null for one that works on, and for one that works no more."""

    id: str
    key_end: str
    works: bool
    works_until: str | None
    done: Deed
    done_at: str
    places: list[LeakPlace]


class Leaks(Answer):
    """`watched` tells whether a scanner is set up."""

    watched: bool
    policy: Policy
    notices: list[LeakNotice]


class Judged(BaseModel):
    """In the scanner's own words."""

    model_config = ConfigDict(extra="forbid")

    token_hash: str
    token_type: str
    label: Literal["true_positive", "false_positive"]


class Verdicts(RootModel[list[Judged]]):
    """One for each token."""


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
    ("GET", "/leaks"): Operation("What is done with leaked keys, and which leaked.", Leaks, TOKEN),
    ("POST", "/set-leak-policy"): Operation(
        "What is done with a leaked key from now on: `notify`, `rotate` with an overlap, or `stop`.",
        Leaks,
        TOKEN,
        body=Chosen,
        errors=(errors.NotFound,),
    ),
    ("POST", "/dismiss-leak"): Operation(
        "The notice is not shown any more.", Leaks, TOKEN, body=Dismissed, errors=(errors.NotFound,)
    ),
    ("POST", "/webhook/secret-scanning"): Operation(
        "A scanner's alerts of keys in public, `[{token, type, url, source}]`; 404 where no scanner is set up.",
        Verdicts,
        ALERT,
        body=object,
        parameters=(Parameter("Github-Public-Key-Identifier", "Which key signed.", "header"),),
        errors=(errors.NotFound, errors.PayloadTooLarge),
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

"""`POST /api/create-checkout`, `POST /api/customer-portal` (key or token), `POST /webhook/stripe` (a signature)."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.errors import Conflict
from shared.web.body import Body, json_body, raw_body
from shared.web.log import note
from tenant_api.billing import Wish
from tenant_api.deps import BillingDeps
from tenant_api.routes.caller import deps_of, end_user_of

MAX_EVENT_BYTES = 512 * 1024


class CheckoutBody(Body):
    """The tier by its name; what it costs is nobody's to say here."""

    tier: str = Field(min_length=1, max_length=40)
    email: str | None = None
    success_url: str | None = Field(default=None, alias="successUrl")
    cancel_url: str | None = Field(default=None, alias="cancelUrl")


class PortalBody(Body):
    """Where the portal leads back to."""

    return_url: str | None = Field(default=None, alias="returnUrl")


async def create_checkout(request: Request) -> Response:
    end_user = await end_user_of(request)
    body = await json_body(request, CheckoutBody)
    wish = Wish(body.tier, body.email, body.success_url, body.cancel_url)
    started = await _billing(request).billing.checkout(end_user, wish)
    return JSONResponse({"url": started.url, "portal": started.portal})


async def customer_portal(request: Request) -> Response:
    end_user = await end_user_of(request)
    body = await json_body(request, PortalBody)
    return JSONResponse({"url": await _billing(request).billing.portal(end_user, body.return_url)})


async def webhook(request: Request) -> Response:
    raw = await raw_body(request, MAX_EVENT_BYTES)
    received = await _billing(request).events.receive(raw, request.headers.get("stripe-signature"))
    facts = {"eventId": received.event_id, "eventType": received.type, "outcome": received.outcome}
    note(request.scope, **facts, platformId=received.platform_id)
    return JSONResponse({"received": True, "outcome": received.outcome})


def _billing(request: Request) -> BillingDeps:
    billing = deps_of(request).billing
    if billing is None:
        raise Conflict("Billing is not set up here; the operator sets TENANT_STRIPE__SECRET_KEY.", reason="no_billing")
    return billing

"""`POST /create-checkout`, `POST /customer-portal` (a developer's token), `POST /webhook/stripe` (a signature)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from platform_api.deps import BillingDeps
from platform_api.routes.caller import deps_of, developer_of
from shared.domain.errors import Conflict
from shared.web.body import raw_body
from shared.web.log import note

MAX_EVENT_BYTES = 512 * 1024


async def create_checkout(request: Request) -> Response:
    developer = await developer_of(request)
    started = await _billing(request).billing.checkout(developer)
    return JSONResponse({"checkoutUrl": started.url, "portal": started.portal})


async def customer_portal(request: Request) -> Response:
    developer = await developer_of(request)
    return JSONResponse({"url": await _billing(request).billing.portal(developer)})


async def webhook(request: Request) -> Response:
    raw = await raw_body(request, MAX_EVENT_BYTES)
    received = await _billing(request).events.receive(raw, request.headers.get("stripe-signature"))
    note(request.scope, eventId=received.event_id, eventType=received.type, outcome=received.outcome)
    return JSONResponse({"received": True, "outcome": received.outcome})


def _billing(request: Request) -> BillingDeps:
    billing = deps_of(request).billing
    if billing is None:
        raise Conflict("Billing is not set up here; the operator sets STRIPE__SECRET_KEY.", reason="no_billing")
    return billing

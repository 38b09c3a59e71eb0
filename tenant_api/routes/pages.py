"""`GET /p/{platformId}`, `/preview/{token}`, `/signup/{platformId}`, `/welcome/{platformId}`, and their files: HTML.

Open to everybody. A refusal is a page too, with the status it would have elsewhere.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from shared.domain.errors import ApiError, NotFound
from shared.web.log import note, request_id
from shared.web.pages import page
from tenant_api.pages.look import Drawn, Look
from tenant_api.return_urls import permitted
from tenant_api.routes.caller import deps_of
from tenant_api.storefronts import Storefront

PRIVATE = "no-store"

Draw = Callable[[Request], Awaitable[Response]]


async def pricing(request: Request) -> Response:
    return await _answered(request, _pricing)


async def preview(request: Request) -> Response:
    return await _answered(request, _preview)


async def signup(request: Request) -> Response:
    return await _answered(request, _signup)


async def welcome(request: Request) -> Response:
    return await _answered(request, _welcome)


async def file(request: Request) -> Response:
    return await _look(request).files.serve(request)


async def _pricing(request: Request) -> Response:
    shop = await _shop(request)
    return _page(request, _look(request).pricing(shop, _return_to(request, shop)))


async def _preview(request: Request) -> Response:
    shop = await deps_of(request).storefronts.preview(request.path_params["token"])
    note(request.scope, platformId=shop.platform_id)
    return _page(request, _look(request).preview(shop))


async def _signup(request: Request) -> Response:
    shop = await _shop(request)
    known = request.query_params.get("known") == "1"
    drawn = _look(request).signup(shop, _return_to(request, shop), request.query_params.get("tier"), known=known)
    return _page(request, drawn)


async def _welcome(request: Request) -> Response:
    shop = await _shop(request)
    drawn = _look(request).welcome(shop, _return_to(request, shop), request.query_params.get("tier"))
    return _page(request, drawn)


async def _shop(request: Request) -> Storefront:
    shop = await deps_of(request).storefronts.of(request.path_params["platformId"])
    note(request.scope, platformId=shop.platform_id)
    return shop


def _return_to(request: Request, shop: Storefront) -> str | None:
    """Where the end-user goes in the end, if that is a page of the platform or one of ours; else they stay here."""
    asked = request.query_params.get("return_to")
    pages = deps_of(request).pages_url
    return asked if asked and permitted(asked, (pages, *shop.settings.origins)) else None


def _look(request: Request) -> Look:
    return deps_of(request).look


def _page(request: Request, drawn: Drawn, status: int = 200) -> Response:
    return page(request, drawn.text, drawn.policy, status=status, cache=PRIVATE)


async def _answered(request: Request, draw: Draw) -> Response:
    """The page, or one that says why there is none."""
    try:
        return await draw(request)
    except ApiError as error:
        note(request.scope, error=error.code)
        title = "Nothing here" if isinstance(error, NotFound) else "That did not work"
        shown = None if isinstance(error, NotFound) else request_id(request.scope)
        response = _page(request, _look(request).message(title, error.message, shown), error.status)
        if error.retry_after_seconds is not None:
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response

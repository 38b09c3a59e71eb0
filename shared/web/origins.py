"""Cross-origin answers where any page may ask: the usual middleware, at no cost for callers that are no page.

Used by tenant_api's app. Credentials travel in headers a page must add itself, never in cookies.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send


class AnyOrigin(CORSMiddleware):
    """What a page gets does not depend on which page asks, so whoever names no origin needs none of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not any(name == b"origin" for name, _ in scope["headers"]):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

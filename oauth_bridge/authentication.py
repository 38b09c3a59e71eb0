"""Who is calling the bridge: a developer, by a token of the developers' Clerk app.

Routes call it; which tokens are good is decided by shared.adapters.clerk.
"""

from starlette.requests import Request

from shared.adapters.clerk import TokenVerifier
from shared.domain.principal import Developer
from shared.web.auth import bearer
from shared.web.log import note


class Authentication:
    """Turns a request into its developer."""

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens

    async def developer(self, request: Request) -> Developer:
        """The developer who sent this request; raises Unauthenticated or Unavailable."""
        claims = await self._tokens.verify(bearer(request))
        developer = Developer(str(claims["sub"]), plan_claim=None)
        note(request.scope, userId=developer.user_id)
        return developer

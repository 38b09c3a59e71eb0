"""Who calls: a developer, by a Bearer token of the developers' own Clerk app.

Called by the routes; the token's verification itself is shared.adapters.clerk's.
"""

from platform_api import plans
from shared.adapters.clerk import TokenVerifier
from shared.domain.principal import Developer


class Authentication:
    """Turns a token into a developer."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def developer(self, token: str) -> Developer:
        """The developer a token speaks for; Unauthenticated for any token that is not good here."""
        claims = await self._verifier.verify(token)
        return Developer(user_id=claims["sub"], plan_claim=plans.claimed(claims.get("plan")))

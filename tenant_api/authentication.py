"""Who calls: an end-user by the platform's API key and X-User-Id, or by a token of the end-users' Clerk app.

Called by the routes. The platform is taken from the credential and from nowhere else; headers choose a user and a tier
within it only where the platform's own server speaks. In token mode those headers are refused, not ignored: a caller
who sends them expects them to matter.
"""

from shared.adapters.clerk import Claims, TokenVerifier
from shared.adapters.system import Clock
from shared.domain import ids, keys
from shared.domain.errors import BadRequest, Forbidden, Unauthenticated
from shared.domain.principal import EndUser, Platform
from shared.records.tenant_config import ApiKey
from tenant_api.recent import Recent

MAX_PLAN_CHARACTERS = 40


class Authentication:
    """Turns a credential into the one who calls."""

    def __init__(self, key_look_up: Recent[ApiKey | None], verifier: TokenVerifier, clock: Clock) -> None:
        self._key_look_up = key_look_up
        self._verifier = verifier
        self._clock = clock

    async def end_user(self, credential: str, user_id: str | None, plan: str | None) -> EndUser:
        """The end-user a call is for. `user_id` and `plan` are the X-User-… headers as they were sent."""
        if not credential.startswith(keys.PREFIX):
            return _of_token(await self._verifier.verify(credential), user_id, plan)
        platform = await self.platform(credential)
        return _of_key(platform.platform_id, user_id, plan, platform.key_last_four)

    def remembered(self, credential: str, user_id: str | None, plan: str | None) -> EndUser | None:
        """The same where nothing has to be looked up; None where `end_user` has to look, or refuses the credential."""
        if not credential.startswith(keys.PREFIX):
            claims = self._verifier.verified(credential)
            return None if claims is None else _of_token(claims, user_id, plan)
        found = self._key_look_up.remembered(keys.key_hash(credential))
        if found is None or found[1] is None or self._ended(found[1]):
            return None
        return _of_key(found[1].platform_id, user_id, plan, keys.last_four(credential))

    async def platform(self, key: str) -> Platform:
        """The platform a key speaks for. Junk is refused without a look-up; every refusal reads the same."""
        key_hash = keys.key_hash(key)
        remembered = self._key_look_up.remembered(key_hash)
        if remembered is not None:
            found = remembered[1]
        else:
            found = await self._key_look_up.get(key_hash) if keys.is_well_formed(key) else None
        if found is None or self._ended(found):
            raise Unauthenticated("The API key is not valid; check it, or take the present one from the dashboard.")
        return Platform(found.platform_id, keys.last_four(key))

    async def person(self, token: str) -> Claims:
        """Whoever is signed in to the end-users' app, of a platform or of none yet. A key is no person."""
        return await self._verifier.verify(token)

    def _ended(self, key: ApiKey) -> bool:
        return key.valid_until is not None and self._clock().timestamp() >= key.valid_until


def _of_key(platform_id: str, user_id: str | None, plan: str | None, last_four: str) -> EndUser:
    return EndUser(platform_id, ids.end_user_id(user_id), _plan_header(plan), True, last_four)


def _of_token(claims: Claims, user_id: str | None, plan: str | None) -> EndUser:
    platform_id = claims.get("platformId")
    if not isinstance(platform_id, str) or not ids.is_platform_id(platform_id):
        raise Forbidden("This sign-in belongs to no platform; sign up on the platform's own page first.")
    if user_id is not None or plan is not None:
        raise BadRequest("X-User-Id and X-User-Plan go with an API key; a token says itself who calls.")
    return EndUser(platform_id, claims["sub"], _plan_claim(claims.get("plan")), by_key=False)


def _plan_header(value: str | None) -> str | None:
    if value is not None and len(value) > MAX_PLAN_CHARACTERS:
        raise BadRequest(f"X-User-Plan is longer than {MAX_PLAN_CHARACTERS} characters.", header="X-User-Plan")
    return value or None


def _plan_claim(value: object) -> str | None:
    """A missing, null, empty or odd claim says nothing."""
    return value if isinstance(value, str) and value else None

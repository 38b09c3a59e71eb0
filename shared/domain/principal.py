"""Who is calling, once a credential has been verified. Made by the authentication of each service, never by a route."""

from msgspec import Struct


class Developer(Struct, frozen=True, gc=False):
    """A person signed in to the developers' Clerk app. `plan_claim` is a hint; the stored subscription wins."""

    user_id: str
    plan_claim: str | None


class EndUser(Struct, frozen=True, gc=False):
    """An end-user of one platform, by the platform's key (`plan` from X-User-Plan) or by a token (from its claim).

    `by_key` says which: the developer's server speaks with authority, a claim is only a hint.
    """

    platform_id: str
    user_id: str
    plan: str | None
    by_key: bool
    key_last_four: str | None = None


class Platform(Struct, frozen=True, gc=False):
    """A developer's server, by its key alone."""

    platform_id: str
    key_last_four: str

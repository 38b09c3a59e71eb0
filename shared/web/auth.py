"""The Authorization header. What the credential in it is worth is decided by each service's own authentication."""

from collections.abc import Sequence

from starlette.requests import Request

from shared.domain.errors import Unauthenticated

MAX_CREDENTIAL_CHARACTERS = 8192


def bearer(request: Request) -> str:
    """The credential after `Bearer`; Unauthenticated when the header is absent, doubled, odd or too long."""
    return bearer_of([value for name, value in request.scope["headers"] if name == b"authorization"])


def bearer_of(values: Sequence[bytes]) -> str:
    """The same of the header's values, where they have been picked already."""
    if not values:
        raise Unauthenticated("The Authorization header is missing; send `Authorization: Bearer …`.")
    scheme, _, credential = values[0].decode("latin-1").partition(" ")
    credential = credential.strip()
    if len(values) > 1 or scheme.lower() != "bearer" or not credential or len(credential) > MAX_CREDENTIAL_CHARACTERS:
        raise Unauthenticated("The Authorization header can't be read; send `Authorization: Bearer …` once.")
    return credential

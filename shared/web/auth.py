"""The Authorization header. What the credential in it is worth is decided by each service's own authentication."""

from starlette.requests import Request

from shared.domain.errors import Unauthenticated

MAX_CREDENTIAL_CHARACTERS = 8192


def bearer(request: Request) -> str:
    """The credential after `Bearer`; Unauthenticated when the header is absent, doubled, odd or too long."""
    values = request.headers.getlist("authorization")
    if not values:
        raise Unauthenticated("The Authorization header is missing; send `Authorization: Bearer …`.")
    scheme, _, credential = values[0].partition(" ")
    credential = credential.strip()
    if len(values) > 1 or scheme.lower() != "bearer" or not credential or len(credential) > MAX_CREDENTIAL_CHARACTERS:
        raise Unauthenticated("The Authorization header can't be read; send `Authorization: Bearer …` once.")
    return credential

"""Where an end-user may be sent after paying: the platform's own origins and the hosted pages, nowhere else. Pure.

Called by billing.py and routes/pages.py.
"""

from collections.abc import Iterable

from shared.domain.errors import BadRequest
from shared.domain.origins import origin


def allowed(url: str | None, default: str, origins: Iterable[str], field: str) -> str:
    """The address itself when its origin is one of these or the default's; the default where none is given."""
    if url is None:
        return default
    if not permitted(url, (default, *origins)):
        raise BadRequest(
            f"{field} leads away from this platform; use one of the origins that are configured for it.", field=field
        )
    return url


def permitted(url: str, origins: Iterable[str]) -> bool:
    """Whether the address has one of these origins."""
    asked = origin(url)
    return asked is not None and asked in {origin(one) for one in origins}

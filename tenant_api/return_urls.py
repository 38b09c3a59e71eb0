"""Where an end-user may be sent after paying: the platform's own origins and the hosted pages, nowhere else. Pure.

Called by billing.py and portals.py. Origins are compared as scheme, host and port; an address that different parsers
could read differently is refused.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from shared.domain.errors import BadRequest

MAX_CHARACTERS = 2000
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def origin(url: str) -> Origin | None:
    """Scheme, host and port of an http address; None for anything odd: user names, backslashes, blanks, non-ASCII."""
    plain = url.isascii() and url.isprintable() and not set(url) & set(' \\"<>')
    if not plain or len(url) > MAX_CHARACTERS:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    prefix = f"{parts.scheme}://"
    if parts.scheme not in _PORTS or not url.lower().startswith(prefix) or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port


def allowed(url: str | None, default: str, origins: Iterable[str], field: str) -> str:
    """The address itself when its origin is one of these or the default's; the default where none is given."""
    if url is None:
        return default
    asked = origin(url)
    if asked is None or asked not in {origin(one) for one in (default, *origins)}:
        raise BadRequest(
            f"{field} leads away from this platform; use one of the origins that are configured for it.", field=field
        )
    return url

"""Origins of web pages: scheme, host and port, read strictly. Pure.

tenant_api compares return addresses with them; the bridge takes the ones a developer configures. An address that
different parsers could read differently has no origin.
"""

from urllib.parse import urlsplit

MAX_CHARACTERS = 2000
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

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


def is_bare_origin(url: str) -> bool:
    """Whether this is an origin and nothing more, encrypted unless it is on the developer's own machine."""
    read = origin(url)
    if read is None or url.count("/") != 2 or "?" in url or "#" in url:
        return False
    return read[0] == "https" or read[1] in _LOOPBACK

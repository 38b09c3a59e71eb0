"""Whose request it is where nobody has said who they are: the caller's network address, as limits count it.

Called by the guard and by routes that are limited per address. The server has already put in place of a trusted
proxy's address the one that the proxy names (FORWARDED_ALLOW_IPS); nobody else's X-Forwarded-For is believed.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

UNKNOWN = "unknown"
IPV6_PREFIX = 64  # what one customer of a provider is given: counting less would give each of them 2 ** 64 allowances


def address_of(scope: Scope) -> str:
    """An IPv4 address, an IPv6 network, or UNKNOWN, which all share; never longer than an address can be."""
    client = scope.get("client")
    return _counted(client[0]) if client else UNKNOWN


@lru_cache(maxsize=4096)
def _counted(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, IPV6_PREFIX), strict=False))

"""Which addresses a link may lead to: public ones over https, and Kling's own origin.

Everything that leads into this machine or its network is refused. A name is resolved once, every
address it stands for must be public, and the connection is made to one of exactly these addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

__all__ = ["Resolver", "public_addresses", "resolve"]

Resolver = Callable[[str], Sequence[str]]

# A translator or tunnel turns these into IPv4 addresses, private ones included.
_TRANSLATED = tuple(
    ipaddress.ip_network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


def resolve(host: str) -> list[str]:
    """The addresses of a host name, in the system's order; OSError when there are none."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public_addresses(host: str, resolver: Resolver = resolve) -> list[str]:
    """All addresses of a host; ValueError when one is not public, OSError when there are none."""
    addresses = list(resolver(host))
    if not addresses:
        raise OSError("the name has no address")
    for address in addresses:
        if not _public(address):
            raise ValueError("the address is not public")
    return addresses


def _public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in net for net in _TRANSLATED):
        return False
    odd = (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    )
    site = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not odd and not site

"""Which addresses a link may lead to: public ones over https, and Kling's own origin.

Everything that leads into this machine or its network is refused. A name is resolved once, every
address it stands for must be public, and the connection is made to one of exactly these addresses.
"""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

__all__ = ["Resolver", "check_link", "public_addresses", "resolve"]

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


def check_link(link: str) -> None:
    """Whether a link may be passed on to Kling: https, a host, nothing that names this machine or its network.

    ValueError with what is wrong. The name is not looked up: Kling does that, from where it stands.
    """
    if not link.startswith("https://"):
        raise ValueError("An address must begin with https://.")
    if any(char.isspace() or not char.isprintable() for char in link):
        raise ValueError("An address has no spaces in it.")
    try:
        parts = urlsplit(link)
        # Digits of other scripts are digits to whoever looks a name up.
        host, port = unicodedata.normalize("NFKC", parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise ValueError("This address cannot be read.") from None
    if not host or parts.username is not None:
        raise ValueError("This address names no host." if not host else "An address bears no name.")
    if port == 0 or not _may_be_public(host):
        raise ValueError(
            "Kling cannot reach this address: it is one of this machine or its network."
        )


def _may_be_public(host: str) -> bool:
    try:
        return _public(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # What the C library takes for an IPv4 address: 127.1, 0x7f000001, 2130706433.
        return _public(socket.inet_ntoa(socket.inet_aton(host)))
    except (OSError, UnicodeError):
        pass
    return "." in host and not host.lower().endswith((".localhost", ".local", ".internal"))


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

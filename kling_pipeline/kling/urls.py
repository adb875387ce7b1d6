"""Which addresses a link may lead to: public ones over https, and Kling's own origin.

Everything that leads into this machine or its network is refused; an address that stands for another is judged by
that one. A name is resolved once, every address it stands for must be public, and the connection is made to one of
exactly these addresses.
"""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

__all__ = [
    "FakeAddress",
    "NotPublic",
    "Resolver",
    "check_link",
    "may_be_public",
    "public_addresses",
    "resolve",
]

Resolver = Callable[[str], Sequence[str]]
LONGEST = 8000  # characters of an address

_V4 = ipaddress.IPv4Address
# Networks whose addresses stand for an IPv4 address, and by how many bits it is shifted to the left.
_EMBEDDING = tuple(
    (ipaddress.IPv6Network(net), shift)
    for net, shift in (
        ("::/96", 0),  # IPv4-compatible
        ("::ffff:0:0/96", 0),  # mapped
        ("::ffff:0:0:0/96", 0),  # translated by SIIT
        ("64:ff9b::/96", 0),  # NAT64, RFC 6052
        ("64:ff9b:1::/48", 0),  # NAT64 of a local network, RFC 8215
        ("2002::/16", 80),  # 6to4
    )
)
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_NOBODY = (ipaddress.IPv4Network("0.0.0.0/8"), ipaddress.IPv4Network("240.0.0.0/4"))
# What proxies of the Clash kind answer for every name (sing-box, Xray, mihomo): numbers that mean nothing outside.
_FAKE = tuple(
    ipaddress.ip_network(net)
    for net in ("198.18.0.0/15", "fc00::/18", "fdfe:dcba:9876::/64", "2001:2::/48")
)


class NotPublic(ValueError):
    """A name that stands for an address of this machine or its network."""

    def __init__(self, address: str) -> None:
        super().__init__(f"the address is not public: {address}")
        self.address = address


class FakeAddress(ValueError):
    """A name that stands for an address which a proxy on this machine made up."""


def resolve(host: str) -> list[str]:
    """Return the addresses of a host name, in the system's order; OSError when there are none."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_link(link: str) -> None:
    """Check that a link may be passed on to Kling: https, a host, nothing that names this machine or its network.

    ValueError with what is wrong. The name is not looked up: Kling does that, from where it stands.
    """
    # It is kept with the job and told to every page; the longest signed ones have some thousands.
    if len(link) > LONGEST:
        raise ValueError(f"An address has at most {LONGEST} characters.")
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
    if port == 0 or not may_be_public(host):
        raise ValueError(
            "Kling cannot reach this address: it is one of this machine or its network."
        )


def public_addresses(
    host: str, resolver: Resolver = resolve, *, fake_ip: bool = False
) -> list[str]:
    """All addresses of a host; ValueError when one is not public, OSError when there are none.

    FakeAddress when a name stands for one that a proxy made up; with `fake_ip` such a name is let through, because TLS
    proves who answers. A number in place of a name never is.
    """
    addresses = list(resolver(host))
    if not addresses:
        raise OSError("the name has no address")
    judged = [one for one in addresses if not _public(one)]
    if judged and _is_number(host):
        raise ValueError("the address is not public")
    if inner := [one for one in judged if not _is_fake(one)]:
        raise NotPublic(inner[0])
    if judged and not fake_ip:
        raise FakeAddress(judged[0])
    return addresses


def may_be_public(host: str) -> bool:
    """Return whether a host that nobody looked up names nothing of this machine or its network."""
    if _is_number(host):
        try:
            return _public(host.partition("%")[0])
        except ValueError:
            return _public(socket.inet_ntoa(socket.inet_aton(host)))
    return "." in host and not host.lower().endswith((".localhost", ".local", ".internal"))


def _is_number(host: str) -> bool:
    """Return whether this is an address, or what the C library takes for one: 127.1, 0x7f000001, 2130706433."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            socket.inet_aton(host)
        except (OSError, UnicodeError):
            return False
    return True


def _embedded(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that packets to this one may end at."""
    number = int(address)
    found = [_V4(number >> shift & 0xFFFFFFFF) for net, shift in _EMBEDDING if address in net]
    if address in _LOCAL_NAT64:
        # By RFC 6052 a /48 has it on both sides of bits 64 to 71; a network may use that or the last 32 bits.
        both = [_V4((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF), *found]
        return [one for one in both if not any(one in net for net in _NOBODY)] or both
    return list(address.teredo) if address.teredo else found


def _is_fake(text: str) -> bool:
    address = ipaddress.ip_address(text)
    judged: Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        judged = _embedded(address) or judged
    return all(any(one in net for net in _FAKE) for one in judged)


def _public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if inside := _embedded(address):
            return all(_is_global(one) for one in inside)
        isatap = int(address) >> 32 & 0xFDFFFFFF == 0x5EFE
        if address.is_site_local or (isatap and not _is_global(_V4(int(address) & 0xFFFFFFFF))):
            return False
    return _is_global(address)


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    odd = (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    )
    return address.is_global and not odd

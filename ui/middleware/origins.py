"""Strict parsers of the Host and Origin headers (RFC 9110, RFC 6454)."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(
    rf"(?P<name>{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?"
)
_PORTS = {"http": 80, "https": 443}


class Host(NamedTuple):
    """A name or an IP address (IPv6 in brackets), in lower case without a last dot; port None where none is given."""

    name: str
    port: int | None


class Origin(NamedTuple):
    """Scheme, host and port of a site, the port filled in."""

    scheme: str
    name: str
    port: int


def parse_host(text: str) -> Host | None:
    """Parse `name` or `name:port`; None for anything else."""
    found = _HOST.fullmatch(text.lower())
    if found is None or len(found["name"]) > 254:
        return None
    name, port = found["name"].removesuffix("."), int(found["port"] or -1)
    if port == 0 or port > 65535:
        return None
    if name.startswith("["):
        try:
            name = f"[{ipaddress.IPv6Address(name[1:-1]).compressed}]"
        except ValueError:
            return None
    return Host(name, None if port < 0 else port)


def parse_origin(text: str) -> Origin | None:
    """Parse `http://name:port` as browsers write it; None for `null`, a path, user information or a list."""
    scheme, found, rest = text.partition("://")
    host = parse_host(rest)
    if not found or scheme.lower() not in _PORTS or host is None:
        return None
    return Origin(scheme.lower(), host.name, host.port or _PORTS[scheme.lower()])


def is_same_site(origin: Origin, host: Host) -> bool:
    """Whether host and port of an origin are those of a Host header without scheme."""
    return (origin.name, origin.port) == (host.name, host.port or _PORTS[origin.scheme])

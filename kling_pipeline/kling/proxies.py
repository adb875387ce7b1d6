"""Which proxy leads to a host, as the environment's HTTPS_PROXY, ALL_PROXY and NO_PROXY have it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kling_pipeline.settings import Settings, is_loopback

__all__ = ["Proxies", "mask_proxy"]


@dataclass(frozen=True)
class Proxies:
    """`address` is the proxy for https, a password included; `spared` are the entries of NO_PROXY.

    Plain http is spoken with this machine only, so HTTP_PROXY is never asked.
    """

    address: str | None = field(default=None, repr=False)
    spared: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Proxies:
        """Return the environment's."""
        chosen = settings.https_proxy or settings.all_proxy
        spared = (settings.no_proxy or "").replace(",", " ").lower().split()
        return cls(chosen.get_secret_value() if chosen else None, tuple(spared))

    def find(self, host: str, port: int | None = None) -> str | None:
        """Return the address of the proxy for a host; None for a direct connection. This machine is never proxied."""
        host = host.lower().strip("[]").rstrip(".")
        if self.address is None or is_loopback(host) or host.endswith(".localhost"):
            return None
        return None if _spares(self.spared, host, port or 443) else self.address


def mask_proxy(address: str) -> str:
    """Return the address of a proxy as it may be shown."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:***@{place}").geturl()


def _spares(entries: Iterable[str], host: str, port: int) -> bool:
    return any(entry == "*" or _fits(entry, host, port) for entry in entries)


def _fits(entry: str, host: str, port: int) -> bool:
    """`example.com` stands for its subdomains too; a network or a port may be named."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, digits = entry.rpartition(":")
    if colon and digits.isdecimal() and "]" not in digits:
        if int(digits) != port:
            return False
        entry = name
    entry = entry.removeprefix("*").strip("[].")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))

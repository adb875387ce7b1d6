"""How requests leave this machine: verified TLS, a proxy where one is set, and nothing past its deadline.

A time-out of the library counts from one byte to the next, so that a header which trickles never ends. Here a deadline
stands around a whole exchange, and every step of it gets what is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore
import httpx
import socksio

__all__ = ["Transport", "deadline", "is_no_http", "name_error"]

_PIECE = 16 * 1024  # bytes that a socket takes in one step
# What the libraries below call an end in which nothing came, or nothing more.
_HUNG_UP = ("Server disconnected", "peer closed connection")
_end: ContextVar[float | None] = ContextVar("end", default=None)
_opened: ContextVar[list[httpcore.NetworkStream]] = ContextVar("opened")


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Inside, no step on the network of this thread lasts past the end; the nearest of several counts."""
    end, outer = time.monotonic() + seconds, _end.get()
    token = _end.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _end.reset(token)


def is_no_http(error: Exception) -> bool:
    """Return whether bytes came that cannot be read as an answer: another protocol, or a head that is too long."""
    return isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(_HUNG_UP)


def name_error(error: Exception) -> str:
    """Return what went wrong in words of ours: the library's own may quote headers and addresses."""
    text, kind = str(error), type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"{kind}: its certificate is not trusted here"
    if isinstance(error, httpx.ProxyError) and (status := re.match(r"[2-5]\d\d\b", text)):
        return f"{kind}: it answered HTTP {status[0]}"
    return kind


class Transport(httpx.HTTPTransport):
    """Keeps deadlines; `proxy` is the address of one, its name and password included."""

    def __init__(self, *, proxy: str | None = None, connections: int = 8, kept: int = 8) -> None:
        # Kept by no file: one that cannot be written ends the start, and any other opens what is sent, keys included.
        os.environ.pop("SSLKEYLOGFILE", None)
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=kept)
        super().__init__(trust_env=False, http2=False, retries=0, limits=limits, proxy=proxy)
        # The pool takes a backend; httpx has no argument that hands it down.
        self._pool._network_backend = _Backend()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, its body still to be read; httpx.HTTPError."""
        opened: list[httpcore.NetworkStream] = []
        token = _opened.set(opened)
        try:
            return super().handle_request(request)
        except BaseException as error:
            # The library leaves the socket of a SOCKS proxy open when that does not speak as it should.
            for stream in opened:
                stream.close()
            if isinstance(error, socksio.SOCKSError):
                raise httpx.ProxyError("not a SOCKS proxy", request=request) from None
            raise
        finally:
            _opened.reset(token)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Return the first address of a host that answers; all of them together have what is left."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in _addresses(host, port):
            try:
                left = _left(timeout, httpcore.ConnectTimeout)
                found = super().connect_tcp(address, port, left, local_address, socket_options)
                return _open(found)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            left = _left(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _PIECE], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        try:
            left = _left(timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            self.close()
            raise
        return _open(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _open(stream: httpcore.NetworkStream) -> _Stream:
    made = _Stream(stream)
    _opened.get([]).append(made)
    return made


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(type(error).__name__) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    end = _end.get()
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise late("the deadline has passed")
    return left if timeout is None else min(left, timeout)

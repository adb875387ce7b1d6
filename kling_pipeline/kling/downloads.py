"""Fetching result files: from Kling's own origin or a public https address, and nowhere else.

The transport is used without a client around it, so no cookie, key or redirect is taken up by itself, and no signed
link is logged. A proxy is asked by name and looks the name up itself: then the name's addresses are checked as far as
they can be found out here, but where the proxy goes is not.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import httpx

from kling_pipeline.errors import ResultError
from kling_pipeline.kling.content_encoding import PackedError, unpack
from kling_pipeline.kling.proxies import Proxies
from kling_pipeline.kling.transport import Transport, deadline, is_no_http, name_error
from kling_pipeline.kling.urls import (
    FakeAddress,
    NotPublic,
    Resolver,
    may_be_public,
    public_addresses,
    resolve,
)

__all__ = ["Downloads"]

MAX_REDIRECTS = 3
MAX_ADDRESSES = 4
CHUNK = 64 * 1024
_GONE = {403, 404, 410}  # a signed link that has run out answers any of these
_PORTS = {"http": 80, "https": 443}
_RANGE = re.compile(r"bytes 0-([0-9]{1,15})/([0-9]{1,15})", re.IGNORECASE)

Progress = Callable[[int, int | None], None]


class Downloads:
    """Fetches results; `origin` is Kling's base URL.

    `timeout` and `longest` are the seconds that a step and a whole file may take.
    """

    def __init__(
        self,
        origin: str,
        *,
        timeout: float = 20.0,
        longest: float = 600.0,
        transport: httpx.BaseTransport | None = None,
        resolver: Resolver = resolve,
        proxies: Proxies | None = None,
        fake_ip: bool = False,
    ) -> None:
        self._origin = _origin(httpx.URL(origin))
        self._timeout, self._longest, self._resolver = timeout, longest, resolver
        self._proxies, self._fake_ip = proxies or Proxies(), fake_ip
        # No connection is kept: the next host may share this one's address, not its certificate.
        self._straight = transport or Transport(kept=0)
        self._proxied = self._straight
        if transport is None and self._proxies.address:
            self._proxied = Transport(proxy=self._proxies.address, kept=0)

    def close(self) -> None:
        """End all connections."""
        self._straight.close()
        self._proxied.close()

    def fetch(self, url: str, target: Path, *, cap: int, on_bytes: Progress | None = None) -> int:
        """Stream a link into the part file `target` (mode 0600, synced); returns its bytes.

        ResultError: `result_address`, `result_fake_ip`, `result_expired`, `result_too_large`, `result_packed`,
        `result_cut`, `result_unreachable`.
        OSError when the disk refuses. After any of these the part file is gone.
        """
        end = time.monotonic() + self._longest
        with deadline(self._longest), self._opened(url) as response:
            body = _Body(response, end)
            expected = _length(response)
            if expected is not None and expected > cap:
                _too_large(expected, cap)
            descriptor = os.open(
                target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600
            )
            try:
                with os.fdopen(descriptor, "wb") as file:
                    done = 0
                    for chunk in _unpacked(response, body):
                        done += len(chunk)
                        if max(done, body.size) > cap:
                            _too_large(done, cap)
                        file.write(chunk)
                        if on_bytes:
                            on_bytes(body.size, expected)
                    _whole(body.size, expected)
                    _sync(file)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
        return done

    @contextlib.contextmanager
    def _opened(self, link: str) -> Iterator[httpx.Response]:
        """The answer to a link after its redirects, each checked like the first."""
        url = _parse(link)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._answer(url)
            try:
                location = response.headers.get("location")
                if response.status_code in (301, 302, 303, 307, 308) and location:
                    url = _parse(location, url)
                    continue
                _usable(response)
                yield response
                return
            finally:
                response.close()
        raise ResultError("The link leads from one address to the next.", code="result_refused")

    def _answer(self, url: httpx.URL) -> httpx.Response:
        failure: Exception | None = None
        for transport, request in self._requests(url):
            try:
                # Connecting, asking and the header: a step each, however finely it trickles.
                with deadline(2 * self._timeout):
                    return transport.handle_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
            except (httpx.HTTPError, OSError) as error:
                if is_no_http(error):
                    raise ResultError(
                        "The file's server answered in words that are no HTTP.",
                        code="result_refused",
                    ) from None
                _unreachable(error)
        _unreachable(failure or OSError())

    def _requests(self, url: httpx.URL) -> Iterator[tuple[httpx.BaseTransport, httpx.Request]]:
        """The request and how it goes, once for each address that it may be sent to."""
        headers = {"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"}
        timeout = httpx.Timeout(self._timeout).as_dict()
        plain = httpx.Request("GET", url, headers=headers, extensions={"timeout": timeout})
        proxied = self._proxies.find(url.host, url.port) is not None
        if _origin(url) == self._origin and not url.userinfo:
            yield self._proxied if proxied else self._straight, plain
            return
        if url.scheme != "https" or url.userinfo or (url.port or 443) != 443:
            _forbidden()
        name = url.raw_host.decode("ascii")
        addresses = self._public_addresses(name, proxied)
        if proxied:
            yield self._proxied, plain
            return
        extensions = {"timeout": timeout, "sni_hostname": name}
        for address in addresses[:MAX_ADDRESSES]:
            pinned = url.copy_with(host=address)
            yield (
                self._straight,
                httpx.Request("GET", pinned, headers=headers, extensions=extensions),
            )

    def _public_addresses(self, name: str, proxied: bool) -> list[str]:
        try:
            return public_addresses(name, self._resolver, fake_ip=self._fake_ip)
        except OSError as error:
            # Behind a proxy, names of the outside are often known to the proxy only.
            if not proxied:
                _unreachable(error)
            if not may_be_public(name):
                _forbidden()
            return []
        except FakeAddress as address:
            raise ResultError(
                f"The file's server seems to be at {address}, an address that a proxy on this machine made up.",
                code="result_fake_ip",
                next="Set STUDIO_FAKE_IP=1 and start again, or let the proxy answer with real addresses.",
            ) from None
        except NotPublic as error:
            _inner(name, error)
        except ValueError:
            _forbidden()


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host.lower(), url.port or _PORTS.get(url.scheme)


def _parse(link: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = base.join(link) if base else httpx.URL(link)
        named = bool(url.host)  # read here: a name in odd letters raises only now
    except (httpx.InvalidURL, ValueError, TypeError):
        _forbidden()
    if not named:
        _forbidden()
    return url.copy_with(fragment=None)


def _usable(response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE:
        raise ResultError(f"The link has run out (HTTP {status}).", code="result_expired")
    if not _is_whole(response):
        passes = status >= 500 or status in (408, 425, 429)
        raise ResultError(
            f"The file's server answered HTTP {status}.",
            code="result_unreachable" if passes else "result_refused",
        )


def _is_whole(response: httpx.Response) -> bool:
    """Return whether all of a file comes: 203 is a proxy's word for it, and a part may be the whole."""
    if response.status_code == 206:
        span = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
        return span is not None and int(span[1]) + 1 == int(span[2])
    return response.status_code in (200, 203)


def _length(response: httpx.Response) -> int | None:
    if "transfer-encoding" in response.headers:  # it counts, and a length beside it does not
        return None
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


class _Body:
    """The bytes of an answer as they come, and how many that were."""

    def __init__(self, response: httpx.Response, end: float) -> None:
        self.size, self._response, self._end = 0, response, end

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._response.stream, httpx.SyncByteStream)
        try:
            for chunk in self._response.stream:
                for start in range(0, len(chunk), CHUNK):
                    if time.monotonic() > self._end:
                        raise ResultError("The file came too slowly.", code="result_unreachable")
                    piece = chunk[start : start + CHUNK]
                    self.size += len(piece)
                    yield piece
        except httpx.HTTPError as error:
            raise ResultError(
                f"The file broke off ({type(error).__name__}).", code="result_cut"
            ) from None


def _unpacked(response: httpx.Response, body: _Body) -> Iterator[bytes]:
    try:
        yield from unpack(response.headers.get("content-encoding", ""), body)
    except PackedError as error:
        raise ResultError(f"The file is {error}.", code="result_packed") from None


def _whole(done: int, expected: int | None) -> None:
    if done == 0 or (expected is not None and done != expected):
        raise ResultError(
            f"{done} bytes came of {expected if expected is not None else 'at least 1'}.",
            code="result_cut",
        )


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _too_large(size: int, cap: int) -> NoReturn:
    raise ResultError(f"The file has {size} bytes; at most {cap}.", code="result_too_large")


def _forbidden() -> NoReturn:
    raise ResultError("The link does not lead to a public https address.", code="result_address")


def _inner(name: str, error: NotPublic) -> NoReturn:
    """A name that is said to be inside: by a blocker, a VPN or a DNS of two faces, more often than by a link."""
    raise ResultError(
        f"The link does not lead to a public https address: here {name} stands for {error.address}.",
        code="result_address",
        next="Look which DNS, VPN or blocker here answers so, and let it give the real address.",
    ) from None


def _unreachable(error: Exception) -> NoReturn:
    raise ResultError(
        f"The file's server cannot be reached ({name_error(error)}).", code="result_unreachable"
    ) from None

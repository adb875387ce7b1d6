"""Fetching result files: from Kling's own origin or a public https address, and nowhere else.

The transport is used without a client around it, so no cookie, proxy, key or redirect is taken up
by itself, and no signed link is logged.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import httpx

from kling_pipeline.addresses import Resolver, public_addresses, resolve
from kling_pipeline.errors import ResultError

__all__ = ["Downloads"]

MAX_REDIRECTS = 3
MAX_ADDRESSES = 4
CHUNK = 64 * 1024
_GONE = {403, 404, 410}  # a signed link that has run out answers any of these
_PORTS = {"http": 80, "https": 443}

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
    ) -> None:
        self._origin = _origin(httpx.URL(origin))
        self._timeout, self._longest, self._resolver = timeout, longest, resolver
        # No connection is kept: the next host may share this one's address, not its certificate.
        limits = httpx.Limits(max_connections=8, max_keepalive_connections=0)
        self._transport = transport or httpx.HTTPTransport(
            trust_env=False, http2=False, retries=0, limits=limits
        )

    def close(self) -> None:
        """Ends all connections."""
        self._transport.close()

    def fetch(self, url: str, target: Path, *, cap: int, on_bytes: Progress | None = None) -> int:
        """Streams a link into the part file `target` (mode 0600, synced); returns its bytes.

        ResultError: `result_address`, `result_expired`, `result_too_large`, `result_cut`,
        `result_unreachable`.
        OSError when the disk refuses. After any of these the part file is gone.
        """
        deadline = time.monotonic() + self._longest
        with self._opened(url) as response:
            expected = _length(response)
            if expected is not None and expected > cap:
                _too_large(expected, cap)
            descriptor = os.open(
                target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600
            )
            try:
                with os.fdopen(descriptor, "wb") as file:
                    done = 0
                    for chunk in _chunks(response, deadline):
                        done += len(chunk)
                        if done > cap:
                            _too_large(done, cap)
                        file.write(chunk)
                        if on_bytes:
                            on_bytes(done, expected)
                    _whole(done, expected)
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
        raise ResultError("The link leads from one address to the next.", code="result_unreachable")

    def _answer(self, url: httpx.URL) -> httpx.Response:
        for request in self._requests(url):
            try:
                return self._transport.handle_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except (httpx.HTTPError, OSError) as error:
                _unreachable(error)
        raise ResultError("The file's server cannot be reached.", code="result_unreachable")

    def _requests(self, url: httpx.URL) -> Iterator[httpx.Request]:
        """The request, once for each address that it may be sent to."""
        headers = {"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"}
        timeout = httpx.Timeout(self._timeout).as_dict()
        if _origin(url) == self._origin and not url.userinfo:
            yield httpx.Request("GET", url, headers=headers, extensions={"timeout": timeout})
            return
        if url.scheme != "https" or url.userinfo or (url.port or 443) != 443:
            _forbidden()
        name = url.raw_host.decode("ascii")
        try:
            addresses = public_addresses(name, self._resolver)
        except OSError as error:
            _unreachable(error)
        except ValueError:
            _forbidden()
        extensions = {"timeout": timeout, "sni_hostname": name}
        for address in addresses[:MAX_ADDRESSES]:
            pinned = url.copy_with(host=address)
            yield httpx.Request("GET", pinned, headers=headers, extensions=extensions)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host.lower(), url.port or _PORTS.get(url.scheme)


def _parse(link: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = base.join(link) if base else httpx.URL(link)
    except (httpx.InvalidURL, ValueError, TypeError):
        _forbidden()
    if not url.host:
        _forbidden()
    return url.copy_with(fragment=None)


def _usable(response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE:
        raise ResultError(f"The link has run out (HTTP {status}).", code="result_expired")
    if status != 200 or response.headers.get("content-encoding", "identity") != "identity":
        raise ResultError(f"The file's server answered HTTP {status}.", code="result_unreachable")


def _length(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _chunks(response: httpx.Response, deadline: float) -> Iterator[bytes]:
    try:
        for chunk in response.iter_bytes(CHUNK):
            if time.monotonic() > deadline:
                raise ResultError("The file came too slowly.", code="result_unreachable")
            yield chunk
    except httpx.HTTPError as error:
        raise ResultError(
            f"The file broke off ({type(error).__name__}).", code="result_cut"
        ) from None


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


def _unreachable(error: Exception) -> NoReturn:
    raise ResultError(
        f"The file's server cannot be reached ({type(error).__name__}).", code="result_unreachable"
    ) from None

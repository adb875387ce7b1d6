"""The client of Kling's API: signing, one create that is never repeated, look-ups, downloads."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError
from kling_pipeline.kling.auth import Keys, KlingAuth
from kling_pipeline.kling.content_encoding import PackedError, unpack
from kling_pipeline.kling.dialects import Page, Task, read_page, read_task
from kling_pipeline.kling.downloads import Downloads, Progress
from kling_pipeline.kling.proxies import Proxies, mask_proxy
from kling_pipeline.kling.responses import absence, read_answer
from kling_pipeline.kling.transport import Transport, deadline, is_no_http, name_error
from kling_pipeline.kling.urls import Resolver, resolve
from kling_pipeline.settings import Settings

__all__ = ["Keys", "KlingAIClient", "KlingAuth"]

READ_TIMEOUT = 20.0  # s
ONE_CAP = 1024 * 1024  # bytes
ANSWER_CAP = 32 * 1024 * 1024  # bytes; masks come as pictures in Base64
PAGE_CAP = 8 * 1024 * 1024  # bytes
SKEW_KEPT = 64  # answers
LEAST_SECRET = 8  # characters; anything shorter may be a word
MAX_SKEW = 7200.0  # s; no answer may hold a job up for longer
_SANE = (1.577e9, 4.102e9)  # the years 2020 to 2100; a server that tells another has no clock

# Raised before the first byte of a request is written.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

STRAIGHT = Proxies()  # none


class KlingAIClient:
    """Speaks to one host of Kling with at most 8 connections; safe to share between threads.

    Every method raises KlingError alone; `download` raises ResultError. Times are seconds.
    """

    def __init__(
        self,
        base_url: str,
        keys: Keys,
        *,
        timeout: float = READ_TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        resolver: Resolver = resolve,
        proxies: Proxies = STRAIGHT,
        fake_ip: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._auth, self._now, self._timeout = KlingAuth(keys, now=now), now, timeout
        self._secrets = [one.encode() for one in keys.secrets.values() if len(one) >= LEAST_SECRET]
        self._skews: deque[tuple[float, float, float]] = deque(maxlen=SKEW_KEPT)
        host = httpx.URL(base_url)
        proxy = proxies.find(host.host, host.port)
        self.proxy = mask_proxy(proxy) if proxy else ""
        self._http = httpx.Client(
            base_url=base_url,
            auth=self._auth,
            timeout=timeout,
            headers={"Accept-Encoding": "identity"},  # a cap on bytes is a cap on memory
            trust_env=False,
            follow_redirects=False,
            transport=transport or Transport(proxy=proxy),
        )
        self._downloads = Downloads(
            base_url,
            timeout=timeout,
            longest=30 * timeout,
            transport=transport,
            resolver=resolver,
            proxies=proxies,
            fake_ip=fake_ip,
        )

    @classmethod
    def from_settings(
        cls, settings: Settings, *, base_url: str | None = None, keys: Keys | None = None
    ) -> KlingAIClient:
        """Return a client by the environment; in demo mode with the simulator's address and keys."""
        return cls(
            base_url or settings.kling_base_url,
            keys or Keys.of(settings),
            timeout=settings.scaled(READ_TIMEOUT),
            proxies=Proxies.of(settings),
            fake_ip=settings.studio_fake_ip,
        )

    @property
    def unfenced(self) -> bool:
        """Whether creates have no end (an API key only), so that absence proves nothing."""
        return self._auth.unfenced

    @property
    def skew(self) -> float:
        """The most by which Kling's clock and ours may differ, by its last answers, seconds."""
        return max((most for _, most, _ in tuple(self._skews)), default=0.0)

    @property
    def drift(self) -> float:
        """By how much they differ, where that is certain: an answer that was long on its way tells no time."""
        return max((likely for least, _, likely in tuple(self._skews) if least), default=0.0)

    def create(
        self, route: Route, body: dict[str, Any], *, expires: int | None, timeout: float
    ) -> Task:
        """Make a task: one POST, never repeated; its token ends at `expires`, Unix seconds."""
        if expires is None and not self.unfenced:
            raise ValueError("a create that is signed with a pair of keys needs its own expires")
        try:
            request = self._http.build_request(
                "POST", route.path, json=body, timeout=timeout, extensions={"expires": expires}
            )
        except (ValueError, RecursionError):
            raise KlingError(
                "The request holds what JSON cannot carry.", "refused", sent=False
            ) from None
        task = read_task(route, self._send(request, timeout, ONE_CAP))
        asked = body.get("external_task_id")
        if task.external_id is not None and task.external_id != asked:
            raise KlingError(
                "Kling answered for another task than was sent.", "uncertain", http_status=200
            )
        return task

    def ask(self, path: str, body: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """Return a call that is answered at once and makes no task; its data. Asking twice may cost twice."""
        request = self._http.build_request("POST", path, json=body)
        data = self._send(request, timeout or self._timeout, ANSWER_CAP)
        if not isinstance(data, dict):
            raise KlingError("Kling's answer holds no data.", "uncertain", http_status=200)
        return data

    def look(self, route: Route, task_id: str) -> Task:
        """Return the task of this id; verdict "absent" when there is none."""
        task = self._one(route, task_id)
        if task.id != task_id:
            raise KlingError(
                "Kling answered for another task than was asked for.", "uncertain", http_status=200
            )
        return task

    def find(self, route: Route, external_id: str) -> Task:
        """Return the task that was made under our external id; verdict "absent" when there is none."""
        task = self._one(route, external_id)
        # An answer without an echo was looked up by the id in its address.
        if task.external_id not in (None, external_id):
            raise KlingError(
                "Kling answered for another task than was asked for.", "uncertain", http_status=200
            )
        return task

    def look_many(self, route: Route, page: int, size: int = 500) -> Page:
        """Return a page of the account's tasks on this route, in Kling's order; `page` begins at 1."""
        return read_page(route, self._read(route.path, PAGE_CAP, pageNum=page, pageSize=size))

    def download(
        self, url: str, target: Path, *, cap: int, on_bytes: Progress | None = None
    ) -> int:
        """Stream a result into the part file `target`, returns its bytes; see Downloads.fetch."""
        return self._downloads.fetch(url, target, cap=cap, on_bytes=on_bytes)

    def close(self) -> None:
        """End all connections."""
        self._http.close()
        self._downloads.close()

    def __enter__(self) -> KlingAIClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _one(self, route: Route, name: str) -> Task:
        try:
            return read_task(route, self._read(f"{route.path}/{quote(name, safe='')}", ONE_CAP))
        except KlingError as error:
            raise absence(error) from None

    def _read(self, path: str, cap: int, **query: int) -> Any:
        """Return a GET, tried once more when nothing was sent: looking twice costs nothing."""
        try:
            return self._send(
                self._http.build_request("GET", path, params=query), self._timeout, cap
            )
        except KlingError as error:
            if error.sent:
                raise
        return self._send(self._http.build_request("GET", path, params=query), self._timeout, cap)

    def _send(self, request: httpx.Request, timeout: float, cap: int) -> Any:
        end, asked = time.monotonic() + timeout, self._now()
        try:
            with deadline(timeout):
                response = self._http.send(request, stream=True)
                try:
                    self._compare_clocks(response, asked)
                    content = _content(response, cap, end)
                finally:
                    response.close()
        except (httpx.HTTPError, httpx.StreamError, OSError, UnicodeError) as error:
            # The library's own text may quote headers and addresses.
            sent, odd = not isinstance(error, _NOT_SENT), is_no_http(error)
            outcome = "broke off" if sent else "was not reached"
            outcome = "answered in words that are no HTTP" if odd else outcome
            outcome += f" over the proxy {self.proxy}" if self.proxy else ""
            raise KlingError(
                f"Kling {outcome} ({name_error(error)}).", "uncertain", sent=sent, answered=odd
            ) from None
        for secret in self._secrets:
            # An answer may quote what it was asked with; nothing of it is to be kept.
            content = content.replace(secret, b"***")
        return read_answer(response.status_code, content)

    def _compare_clocks(self, response: httpx.Response, asked: float) -> None:
        theirs = _answer_time(response)
        if theirs is None:
            return
        # What a cache kept tells when it was made, and how long ago that is.
        age = response.headers.get("age", "")
        kept = int(age) if re.fullmatch("[0-9]{1,8}", age) else 0
        # The header's grain is a second, and its moment lies between the question and the answer.
        now, moment = self._now(), theirs + kept
        least = max(0.0, asked - (moment + 1), moment - now)
        most = max(abs(theirs + 0.5 - now), abs(moment + 0.5 - now), least)
        likely = max(abs(moment + 0.5 - (asked + now) / 2), least)
        if not _SANE[0] < theirs < _SANE[1]:
            least = likely = 0.0
        self._skews.append((least, min(most, MAX_SKEW), likely))


def _answer_time(response: httpx.Response) -> float | None:
    try:
        date = parsedate_to_datetime(response.headers["date"])
        # A date without a zone is one of Greenwich (RFC 9110), wherever this machine is.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _content(response: httpx.Response, cap: int, end: float) -> bytes:
    """Return the body, unless it is packed as nobody asked, grows over the cap or trickles past the end."""
    parts, size, status = [], 0, response.status_code
    assert isinstance(response.stream, httpx.SyncByteStream)
    try:
        for chunk in unpack(response.headers.get("content-encoding", ""), response.stream):
            parts.append(chunk)
            size += len(chunk)
            if size > cap or time.monotonic() > end:
                raise KlingError(
                    "Kling's answer is too long to be read.", "uncertain", http_status=status
                )
    except PackedError as error:
        raise KlingError(f"Kling's answer is {error}.", "uncertain", http_status=status) from None
    return b"".join(parts)

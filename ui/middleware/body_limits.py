"""Limits of a request's body: size by path, time to arrive, values of JSON, memory of all bodies together."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.errors import BusyError, InputError, StudioError
from ui.http.error_handlers import handle_studio_error
from ui.middleware.body_stream import drain, read_content_length
from ui.middleware.json_counter import JsonCounter

MB = 1024 * 1024
MAX_FILE = 200 * MB
UPLOAD_PATHS = ("/api/uploads", "/gradio_api/upload")
# The first match counts. Jobs may bring their files as Base64; a multipart body has some bytes around its file.
MAX_SIZES = (
    ("/callbacks/", MB),
    (UPLOAD_PATHS[0], MAX_FILE + MB),
    ("/api/quote", 256 * MB),
    ("/api/jobs", 256 * MB),
    ("/api/sessions", 256 * MB),
    ("/api/", MB),
    (UPLOAD_PATHS[1], MAX_FILE + MB),
    ("/", 4 * MB),
)


@dataclass(frozen=True)
class BodyLimits:
    """How long a body may pause, how long it may take besides its bytes at the slowest rate, what memory all share."""

    idle_seconds: float = 20.0
    base_seconds: float = 60.0
    min_bytes_per_second: int = 16 * 1024
    max_buffered: int = 512 * MB  # of all bodies that are not files together


class BodyLimitMiddleware:
    """Responds 413, 408, 415, 400 or 503 while a body arrives, whatever the route makes of the exception."""

    def __init__(self, app: ASGIApp, limits: BodyLimits | None = None) -> None:
        self.app, self.limits = app, limits or BodyLimits()
        self.buffered = 0  # bytes of bodies in memory; counted on the event loop alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a `receive` that enforces the limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, begun = _Body(self, scope, receive), False

        async def send_unless_refused(message: Message) -> None:
            nonlocal begun
            # A route may have made a response of its own from the refusal.
            if body.refusal is None or begun:
                begun = True
                await send(message)

        try:
            body.check_headers()
            await self.app(scope, body, send_unless_refused)
        except StudioError as error:
            if error is not body.refusal or begun:
                raise
        # Whatever exception a library turned the refusal into, the refusal is sent.
        except Exception:
            if body.refusal is None or begun:
                raise
        finally:
            self.buffered -= body.buffered
        if body.refusal is not None and not begun:
            await _refuse(scope, receive, send, body.refusal)


class _Body:
    """The `receive` of one request; once refused, it raises the same error at each call."""

    def __init__(self, middleware: BodyLimitMiddleware, scope: Scope, receive: Receive) -> None:
        self._middleware, self._limits, self._receive = middleware, middleware.limits, receive
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self._content_length = read_content_length(scope)
        self._encoding = headers.get(b"content-encoding", "identity")
        is_form = headers.get(b"content-type", "").lower().startswith("multipart/form-data")
        # JSON may have any content type; only of an upload's form nothing is ever parsed as JSON.
        self._counter = None if is_form and scope["path"] in UPLOAD_PATHS else JsonCounter()
        self._max_size = next(size for path, size in MAX_SIZES if scope["path"].startswith(path))
        self._started, self._received, self._complete = time.monotonic(), 0, False
        self.buffered = 0
        self.refusal: StudioError | None = None

    def check_headers(self) -> None:
        """Refuse what Content-Length and Content-Encoding show."""
        if (self._content_length or 0) > self._max_size:
            self._refuse(self._too_large())
        if self._encoding.strip().lower() not in ("identity", ""):
            sentence = "Send the body as it is, without Content-Encoding."
            self._refuse(InputError(sentence, code="unsupported_media_type"))

    async def __call__(self) -> Message:
        if self.refusal is not None:
            raise self.refusal
        if self._complete:
            return await self._receive()
        left = self._started + self._limits.base_seconds - time.monotonic()
        left += self._received / self._limits.min_bytes_per_second
        try:
            async with asyncio.timeout(min(left, self._limits.idle_seconds)):
                message = await self._receive()
        except TimeoutError:
            sentence = "The body did not come in time. Send it again over a faster connection."
            self._refuse(InputError(sentence, code="body_too_slow"))
        self._complete = not message.get("more_body", False)
        self._add(message.get("body", b""))
        return message

    def _add(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._max_size:
            self._refuse(self._too_large())
        if self._counter is None:
            return
        try:
            self._counter.feed(chunk)
        except InputError as error:
            self._refuse(error)
        self._buffer(len(chunk))

    def _buffer(self, size: int) -> None:
        # Small bodies always pass, so that a few large ones cannot stop the page.
        total = self._middleware.buffered + size
        if self._received > MB and total > self._limits.max_buffered:
            sentence = "Too many large requests come in at once. Nothing was taken; try again soon."
            self._refuse(BusyError(sentence))
        self._middleware.buffered = total
        self.buffered += size

    def _too_large(self) -> InputError:
        return InputError(f"At most {self._max_size // MB} MB here.", code="body_too_large")

    def _refuse(self, refusal: StudioError) -> None:
        self.refusal = refusal
        raise refusal


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: StudioError) -> None:
    """Respond at once, drain the body so that the client reads the response, and close the connection."""
    response = handle_studio_error(Request(scope), refusal)
    headers = [*response.raw_headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    waits = any(name.lower() == b"expect" for name, _ in scope["headers"])
    if refusal.code != "body_too_slow" and not waits:
        await drain(receive)
    await send({"type": "http.response.body", "body": b""})

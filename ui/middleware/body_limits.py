"""What a request's body may be: a size by its address, a time to come in, and JSON that can be built quickly."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.errors import BusyError, InputError, StudioError
from ui.http.error_handlers import handle_studio_error
from ui.middleware.body_stream import drain, read_length
from ui.middleware.json_counter import JsonCount

MB = 1024 * 1024
FILE = 200 * MB
UPLOADS = ("/api/uploads", "/gradio_api/upload")
# The first that fits. Orders may bring their files as raw Base64; a multipart body has some bytes around its file.
SIZES = (
    ("/callbacks/", MB),
    (UPLOADS[0], FILE + MB),
    ("/api/quote", 256 * MB),
    ("/api/jobs", 256 * MB),
    ("/api/sessions", 256 * MB),
    ("/api/", MB),
    (UPLOADS[1], FILE + MB),
    ("/", 4 * MB),
)


@dataclass(frozen=True)
class Patience:
    """Seconds without a byte, seconds for a whole small body, and the slowest that a large one may come."""

    silent: float = 20.0
    whole: float = 60.0
    bytes_per_second: int = 16 * 1024
    in_memory: int = 512 * MB  # of all bodies that are not files together


class Limits:
    """ASGI middleware: 413, 408, 415, 400 or 503 while the body comes in, whatever the route makes of it."""

    def __init__(self, app: ASGIApp, patience: Patience | None = None) -> None:
        self.app, self.patience = app, patience or Patience()
        self.held = 0  # bytes of bodies that are kept in memory; counted on the event loop alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass with its body watched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, begun = _Body(self, scope, receive), False

        async def answer(message: Message) -> None:
            nonlocal begun
            # A route may have made something else of the refusal.
            if body.refusal is None or begun:
                begun = True
                await send(message)

        try:
            body.check_head()
            await self.app(scope, body, answer)
        except StudioError as error:
            if error is not body.refusal or begun:
                raise
        # Whatever a library turned the refusal into, the refusal is the answer.
        except Exception:
            if body.refusal is None or begun:
                raise
        finally:
            self.held -= body.held
        if body.refusal is not None and not begun:
            await _refuse(scope, receive, send, body.refusal)


class _Body:
    """The receiving side of one request; after a refusal it raises the same one again."""

    def __init__(self, limits: Limits, scope: Scope, receive: Receive) -> None:
        self._limits, self._patience, self._receive = limits, limits.patience, receive
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self._stated = read_length(scope)
        self._coding = headers.get(b"content-encoding", "identity")
        is_form = headers.get(b"content-type", "").lower().startswith("multipart/form-data")
        # A caller may call its JSON anything; where only a file is taken, nothing is built of it.
        self._count = None if is_form and scope["path"] in UPLOADS else JsonCount()
        self._most = next(size for path, size in SIZES if scope["path"].startswith(path))
        self._begun, self._got, self._done = time.monotonic(), 0, False
        self.held = 0
        self.refusal: StudioError | None = None

    def check_head(self) -> None:
        """Refuses what the headers alone show."""
        if (self._stated or 0) > self._most:
            self._refuse(self._too_large())
        if self._coding.strip().lower() not in ("identity", ""):
            sentence = "Send the body as it is, without Content-Encoding."
            self._refuse(InputError(sentence, code="unsupported_media_type"))

    async def __call__(self) -> Message:
        if self.refusal is not None:
            raise self.refusal
        if self._done:
            return await self._receive()
        left = self._begun + self._patience.whole - time.monotonic()
        left += self._got / self._patience.bytes_per_second
        try:
            async with asyncio.timeout(min(left, self._patience.silent)):
                message = await self._receive()
        except TimeoutError:
            sentence = "The body did not come in time. Send it again over a faster connection."
            self._refuse(InputError(sentence, code="body_too_slow"))
        self._done = not message.get("more_body", False)
        self._take(message.get("body", b""))
        return message

    def _take(self, piece: bytes) -> None:
        self._got += len(piece)
        if self._got > self._most:
            self._refuse(self._too_large())
        if self._count is None:
            return
        try:
            self._count.feed(piece)
        except InputError as error:
            self._refuse(error)
        self._hold(len(piece))

    def _hold(self, size: int) -> None:
        limits = self._limits
        # Small ones always pass: a few large ones must not keep the page from working.
        if self._got > MB and limits.held + size > self._patience.in_memory:
            sentence = "Too many large requests come in at once. Nothing was taken; try again soon."
            self._refuse(BusyError(sentence))
        limits.held += size
        self.held += size

    def _too_large(self) -> InputError:
        return InputError(f"At most {self._most // MB} MB here.", code="body_too_large")

    def _refuse(self, refusal: StudioError) -> None:
        self.refusal = refusal
        raise refusal


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: StudioError) -> None:
    """Answers at once, takes in for a moment what was under way so that the answer is read, and hangs up."""
    answer = handle_studio_error(Request(scope), refusal)
    headers = [*answer.raw_headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    waits = any(name.lower() == b"expect" for name, _ in scope["headers"])
    if refusal.code != "body_too_slow" and not waits:
        await drain(receive)
    await send({"type": "http.response.body", "body": b""})

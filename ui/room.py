"""Room for uploads: asked for by the declared length before a byte is taken, and again while bytes arrive."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.errors import StudioError
from kling_pipeline.pipeline import Pipeline
from ui.refusals import refuse

OWNER = "local"  # until sign-in exists
_UPLOADS = ("/api/uploads", "/gradio_api/upload")
_STEP = 8 * 1024 * 1024  # bytes after which it is asked again
_LINGER_SECONDS = 5.0


class Room:
    """ASGI middleware: 413 or 507 for an upload that would not be kept, whichever route takes it."""

    def __init__(self, app: ASGIApp, pipeline: Pipeline) -> None:
        self.app, self.pipeline = app, pipeline
        self._coming: dict[object, int] = {}  # bytes of each upload under way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass with its body counted, or answers it."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in _UPLOADS:
            await self.app(scope, receive, send)
            return
        upload = _Upload(self, scope, receive, send)
        try:
            if await upload.has_room():
                await upload.pass_to(self.app)
            else:
                await _drain(receive)
        finally:
            self._coming.pop(upload, None)

    async def check(self, upload: object, size: int) -> None:
        """StorageError where there is no room for this upload beside the others under way."""
        self._coming[upload] = size
        await run_in_threadpool(self.pipeline.check_room, OWNER, sum(self._coming.values()))


class _Upload:
    def __init__(self, room: Room, scope: Scope, receive: Receive, send: Send) -> None:
        self._room, self._scope, self._receive, self._send = room, scope, receive, send
        stated = Request(scope).headers.get("content-length", "")
        self._size = (
            int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 20 else 0
        )
        self._got = self._checked = 0
        self._begun = self._refused = False

    async def has_room(self) -> bool:
        """Whether it may go on; refuses it otherwise, unless an answer has begun."""
        try:
            await self._room.check(self, max(self._size, self._got))
        except StudioError as error:
            self._refused = True
            if not self._begun:
                answer = refuse(Request(self._scope), error)
                await answer(self._scope, self._receive, self._send)
            return False
        return True

    async def pass_to(self, app: ASGIApp) -> None:
        """Runs the route; what it makes of a refusal is not sent."""
        try:
            await app(self._scope, self._count, self._answer)
        except Exception:  # the route was told that its client has gone, and may say so in any way
            if not self._refused:
                raise

    async def _count(self) -> Message:
        message = await self._receive()
        self._got += len(message.get("body", b""))
        if self._got - self._checked >= _STEP:
            self._checked = self._got
            if not await self.has_room():
                await _drain(self._receive)
                return {"type": "http.disconnect"}
        return message

    async def _answer(self, message: Message) -> None:
        if not self._refused:
            self._begun = True
            await self._send(message)


async def _drain(receive: Receive) -> None:
    """Hears out a client for a moment: one that still sends may not see its answer otherwise."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass

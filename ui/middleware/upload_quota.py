"""Room for uploads: asked for by the declared length before a byte is taken, and again while bytes arrive."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.errors import StudioError
from kling_pipeline.pipeline import Pipeline
from ui.http.error_handlers import handle_studio_error
from ui.http.owner import OWNER
from ui.middleware.body_limits import UPLOAD_PATHS
from ui.middleware.body_stream import drain, read_content_length

_STEP = 8 * 1024 * 1024  # bytes after which it is asked again


class Room:
    """ASGI middleware: 413 or 507 for an upload that would not be kept, whichever route takes it."""

    def __init__(self, app: ASGIApp, pipeline: Pipeline) -> None:
        self.app, self.pipeline = app, pipeline
        self._under_way: set[_Upload] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass with its body counted, or answers it."""
        if (
            scope["type"] != "http"
            or scope["method"] != "POST"
            or scope["path"] not in UPLOAD_PATHS
        ):
            await self.app(scope, receive, send)
            return
        upload = _Upload(self, scope, receive, send)
        self._under_way.add(upload)
        try:
            if await upload.has_room():
                await upload.pass_to(self.app)
            else:
                await drain(receive)
        finally:
            self._under_way.discard(upload)

    async def check(self, coming: int) -> None:
        """StorageError where there is no room for so many bytes beside what has come of all.

        No room is kept for what others only announce: a few who announce much and send little would take it all.
        """
        come = sum(one.come for one in self._under_way)
        await run_in_threadpool(self.pipeline.check_room, OWNER, coming, come=come)


class _Upload:
    def __init__(self, room: Room, scope: Scope, receive: Receive, send: Send) -> None:
        self._room, self._scope, self._receive, self._send = room, scope, receive, send
        self._size, self._cached = read_content_length(scope) or 0, scope["path"] == UPLOAD_PATHS[1]
        self._got = self._checked = 0
        self._begun = self._refused = False

    @property
    def come(self) -> int:
        """Bytes that are counted nowhere else; what Gradio receives is counted where it lies."""
        return 0 if self._cached else self._got

    async def has_room(self) -> bool:
        """Whether it may go on; refuses it otherwise, unless an answer has begun."""
        try:
            await self._room.check(max(self._size - self._got, 0))
        except StudioError as error:
            self._refused = True
            if not self._begun:
                answer = handle_studio_error(Request(self._scope), error)
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
                await drain(self._receive)
                return {"type": "http.disconnect"}
        return message

    async def _answer(self, message: Message) -> None:
        if not self._refused:
            self._begun = True
            await self._send(message)

"""The upload quota: checked with the declared length before a byte is read, and again while bytes arrive."""

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

_CHECK_EVERY = 8 * 1024 * 1024  # bytes


class UploadQuotaMiddleware:
    """Responds 413 or 507 to an upload that would not be kept, whichever route takes it."""

    def __init__(self, app: ASGIApp, pipeline: Pipeline) -> None:
        self.app, self.pipeline = app, pipeline
        self._uploads: set[_Upload] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body counted, or refuse it."""
        if (
            scope["type"] != "http"
            or scope["method"] != "POST"
            or scope["path"] not in UPLOAD_PATHS
        ):
            await self.app(scope, receive, send)
            return
        upload = _Upload(self, scope, receive, send)
        self._uploads.add(upload)
        try:
            if await upload.is_within_quota():
                await upload.run(self.app)
            else:
                await drain(receive)
        finally:
            self._uploads.discard(upload)

    async def check(self, remaining: int) -> None:
        """Raise StorageError if `remaining` bytes do not fit beside what all uploads have sent so far.

        Declared lengths of other uploads reserve nothing: clients that declare much and send little would block all.
        """
        received = sum(one.uncounted for one in self._uploads)
        await run_in_threadpool(self.pipeline.check_space, OWNER, remaining, arrived=received)


class _Upload:
    def __init__(
        self, quota: UploadQuotaMiddleware, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._quota, self._scope, self._receive, self._send = quota, scope, receive, send
        self._declared, self._is_gradio = (
            read_content_length(scope) or 0,
            scope["path"] == UPLOAD_PATHS[1],
        )
        self._received = self._checked = 0
        self._begun = self._refused = False

    @property
    def uncounted(self) -> int:
        """Bytes received that the pipeline cannot see; Gradio's files are in a folder that it counts."""
        return 0 if self._is_gradio else self._received

    async def is_within_quota(self) -> bool:
        """Check the quota; when it is exceeded, send the refusal unless a response has begun."""
        try:
            await self._quota.check(max(self._declared - self._received, 0))
        except StudioError as error:
            self._refused = True
            if not self._begun:
                response = handle_studio_error(Request(self._scope), error)
                await response(self._scope, self._receive, self._send)
            return False
        return True

    async def run(self, app: ASGIApp) -> None:
        """Run the route; drop what it sends after a refusal."""
        try:
            await app(self._scope, self._receive_counted, self._send_unless_refused)
        except Exception:  # the route was told that its client disconnected, and may raise anything
            if not self._refused:
                raise

    async def _receive_counted(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received - self._checked >= _CHECK_EVERY:
            self._checked = self._received
            if not await self.is_within_quota():
                await drain(self._receive)
                return {"type": "http.disconnect"}
        return message

    async def _send_unless_refused(self, message: Message) -> None:
        if not self._refused:
            self._begun = True
            await self._send(message)

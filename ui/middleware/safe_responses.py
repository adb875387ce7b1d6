"""What every answer has: safe headers, and where it is a refusal, the one shape."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.http.error_handlers import code_for
from ui.http.unexpected_errors import handle_unexpected, is_from_http_exception, log_exception

_OURS = ("/api/", "/media/", "/callbacks/", "/healthz")
SAFE_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'; "
        b"frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    ),
]


class Answers:
    """ASGI middleware, the outermost: no exception and no plain text of a library leaves it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass and sees to its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        marked = _Marked(send, plain=not scope["path"].startswith(_OURS))
        try:
            await self.app(scope, receive, marked)
        except asyncio.CancelledError:
            # The server ends and no longer waits for this answer; raised further it would only be logged at length.
            return
        except ClientDisconnect:
            return  # nobody is left to be told
        # Whatever it is: a caller gets an answer, and the server's own would be another shape.
        except Exception as error:
            log_exception(error, f"{scope['method']} {scope['path'][:100]!r}")
            # An answer that has begun is cut: the server closes what is not complete.
            if marked.streams and is_from_http_exception(error):
                # Gradio's streams tell of it in an event, and then raise it.
                await marked({"type": "http.response.body", "body": b""})
            elif not marked.begun:
                await handle_unexpected(Request(scope), error)(scope, receive, marked)


class _Marked:
    """Puts the safe headers on an answer; where a refusal of ours has no JSON, it gets it here."""

    def __init__(self, send: Send, *, plain: bool) -> None:
        self._send, self._plain, self.begun = send, plain, False
        self.streams = False
        self._instead: bytes | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            message = self._start(message)
        elif self._instead is not None and message["type"] == "http.response.body":
            body, self._instead = self._instead, b""
            message = {**message, "body": body}
        await self._send(message)

    def _start(self, message: Message) -> Message:
        headers = [(name.lower(), value) for name, value in message.get("headers", [])]
        kind, status = dict(headers).get(b"content-type", b""), message["status"]
        self.streams = kind.startswith(b"text/event-stream")
        if status >= (500 if self._plain else 400) and not kind.startswith(b"application/json"):
            # The library that sends files answers a bad Range with plain text.
            said = {"code": code_for(status), "message": "This cannot be answered.", "fields": {}}
            self._instead = json.dumps({"error": said}).encode()
            headers = [one for one in headers if one[0] not in (b"content-type", b"content-length")]
            headers += [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(self._instead)).encode()),
            ]
        present = {name for name, _ in headers}
        safe = [pair for pair in SAFE_HEADERS if pair[0] not in present]
        return {**message, "headers": [*headers, *safe]}

"""Security headers on every response, and JSON for every error of our routes."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.http.error_handlers import code_for
from ui.http.unexpected_errors import handle_unexpected, is_from_http_exception, log_exception

_JSON_PATHS = ("/api/", "/media/", "/callbacks/", "/healthz")
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


class SafeResponseMiddleware:
    """The outermost middleware: no exception and no library's plain-text error passes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a `send` that makes its response safe."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        safe = _SafeSend(send, any_text=not scope["path"].startswith(_JSON_PATHS))
        try:
            await self.app(scope, receive, safe)
        except asyncio.CancelledError:
            # The server is shutting down; raised further this would only be logged with a traceback.
            return
        except ClientDisconnect:
            return  # no client is left to respond to
        # Whatever it is: uvicorn's own response would have another shape.
        except Exception as error:
            log_exception(error, f"{scope['method']} {scope['path'][:100]!r}")
            # A response that has begun is cut: the server closes the connection of an incomplete one.
            if safe.streams and is_from_http_exception(error):
                # Gradio's streams report the error in an event before they raise it.
                await safe({"type": "http.response.body", "body": b""})
            elif not safe.begun:
                await handle_unexpected(Request(scope), error)(scope, receive, safe)


class _SafeSend:
    """The `send` of one request: adds the security headers and replaces an error's plain text with JSON."""

    def __init__(self, send: Send, *, any_text: bool) -> None:
        self._send, self._any_text, self.begun = send, any_text, False
        self.streams = False
        self._replacement: bytes | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            message = self._start(message)
        elif self._replacement is not None and message["type"] == "http.response.body":
            body, self._replacement = self._replacement, b""
            message = {**message, "body": body}
        await self._send(message)

    def _start(self, message: Message) -> Message:
        headers = [(name.lower(), value) for name, value in message.get("headers", [])]
        kind, status = dict(headers).get(b"content-type", b""), message["status"]
        self.streams = kind.startswith(b"text/event-stream")
        if status >= (500 if self._any_text else 400) and not kind.startswith(b"application/json"):
            # Starlette responds to a bad Range with plain text, for example.
            error = {"code": code_for(status), "message": "This cannot be answered.", "fields": {}}
            self._replacement = json.dumps({"error": error}).encode()
            headers = [one for one in headers if one[0] not in (b"content-type", b"content-length")]
            headers += [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(self._replacement)).encode()),
            ]
        present = {name for name, _ in headers}
        missing = [pair for pair in SAFE_HEADERS if pair[0] not in present]
        return {**message, "headers": [*headers, *missing]}

"""Who may knock: the Host must be ours, the Origin this site, the body not endless."""

from __future__ import annotations

import ipaddress
import json
import os
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.settings import Settings

_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_OURS = ("/api/", "/media/", "/callbacks/", "/healthz")
_FOR_KLING = "/callbacks/"  # what the public name is for while there is no sign-in
_CODES = {416: "bad_range"}
MOST_BYTES = 256 * 1024 * 1024
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'; "
        b"frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    ),
]


class Gate:
    """ASGI middleware: 403 for a foreign Host or Origin, 413 for a body over the limit, safe headers on all."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.hosts = _LOCAL | {settings.host.lower()}
        self.public = _host_of(settings.studio_public_url) - self.hosts
        self.hosts |= _host_of(f"//{os.environ.get('SPACE_HOST', '')}")
        if settings.demo:
            self.hosts |= self.public
        self.any_address = settings.host in ("0.0.0.0", "::")
        self.hosts -= {"0.0.0.0", "::"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass, or answers it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._is_ours(headers.get(b"host", ""), scope["path"]):
            await _answer(send, 403, "foreign_host", "This studio does not answer to that name.")
        elif not self._is_same(headers.get(b"origin"), headers.get(b"host", "")):
            await _answer(send, 403, "foreign_origin", "Another site may not ask this studio.")
        elif _stated(headers) > MOST_BYTES:
            await _too_large(send)
        else:
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        marked = _Marked(send, plain=not scope["path"].startswith(_OURS))
        try:
            await self.app(scope, _counted(receive), marked)
        except _TooLarge:
            if marked.begun:
                raise
            await _too_large(send)

    def _is_ours(self, host: str, path: str) -> bool:
        name = _name(host)
        if name in self.hosts or (name in self.public and path.startswith(_FOR_KLING)):
            return True
        if not self.any_address:
            return False
        try:
            # A rebinding attack needs a name; an address in the Host is the one that was dialled.
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _is_same(self, origin: str | None, host: str) -> bool:
        if origin is None:
            return True
        try:
            site = urlsplit(origin).netloc.lower()
        except ValueError:
            return False
        return bool(site) and (site == host.lower() or _name(site) in self.hosts - _LOCAL)


def _name(host: str) -> str:
    name = host.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def _counted(receive: Receive) -> Receive:
    got = 0

    async def counting() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > MOST_BYTES:
            raise _TooLarge
        return message

    return counting


class _TooLarge(Exception):
    """More bytes came than any request may have."""


class _Marked:
    """Puts the safe headers on an answer; where a refusal of ours has no JSON, it gets it here."""

    def __init__(self, send: Send, *, plain: bool) -> None:
        self._send, self._plain, self.begun = send, plain, False
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
        kind = dict(headers).get(b"content-type", b"")
        if message["status"] >= 400 and not self._plain and kind != b"application/json":
            # The library that sends files answers a bad Range with plain text.
            self._instead = _body(
                _CODES.get(message["status"], "bad_request"), "This cannot be answered."
            )
            headers = [one for one in headers if one[0] not in (b"content-type", b"content-length")]
            headers += _json_headers(self._instead)
        present = {name for name, _ in headers}
        safe = [pair for pair in _HEADERS if pair[0] not in present]
        return {**message, "headers": [*headers, *safe]}


def _host_of(address: str | None) -> set[str]:
    """The host of an address in lower case, if there is one."""
    name = urlsplit(address).hostname if address else None
    return {name.lower()} if name else set()


def _stated(headers: dict[bytes, str]) -> int:
    text = headers.get(b"content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


async def _too_large(send: Send) -> None:
    await _answer(send, 413, "body_too_large", f"At most {MOST_BYTES} bytes.")


def _body(code: str, sentence: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": sentence, "fields": {}}}).encode()


def _json_headers(body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]


async def _answer(send: Send, status: int, code: str, sentence: str) -> None:
    body = _body(code, sentence)
    headers = _json_headers(body)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

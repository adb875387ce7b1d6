"""Who may knock: the Host must be ours, the Origin this site, the body not endless."""

from __future__ import annotations

import ipaddress
import json
import os
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.settings import Settings

_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
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
        for address in (settings.studio_public_url, f"//{os.environ.get('SPACE_HOST', '')}"):
            if address and (name := urlsplit(address).hostname):
                self.hosts.add(name.lower())
        self.any_address = settings.host in ("0.0.0.0", "::")
        self.hosts -= {"0.0.0.0", "::"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass, or answers it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._is_ours(headers.get(b"host", "")):
            await _answer(send, 403, "foreign_host", "This studio does not answer to that name.")
        elif not self._is_same(headers.get(b"origin"), headers.get(b"host", "")):
            await _answer(send, 403, "foreign_origin", "Another site may not ask this studio.")
        elif int(headers.get(b"content-length") or 0) > MOST_BYTES:
            await _answer(send, 413, "body_too_large", f"At most {MOST_BYTES} bytes.")
        else:
            await self.app(scope, _counted(receive), _marked(send))

    def _is_ours(self, host: str) -> bool:
        name = _name(host)
        if name in self.hosts:
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
        site = urlsplit(origin).netloc.lower()
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
            return {"type": "http.disconnect"}
        return message

    return counting


def _marked(send: Send) -> Send:
    async def marking(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", [])}
            message["headers"] = [
                *message.get("headers", []),
                *(pair for pair in _HEADERS if pair[0] not in present),
            ]
        await send(message)

    return marking


async def _answer(send: Send, status: int, code: str, sentence: str) -> None:
    body = json.dumps({"error": {"code": code, "message": sentence, "fields": {}}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

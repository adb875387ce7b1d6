"""Middleware that makes faults happen between the connection and the service."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from kling_pipeline.simulator.api.envelope import error_response
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.errors import ApiError
from kling_pipeline.simulator.faults import Fault
from kling_pipeline.simulator.rules.loader import Rules

_ABORT = "kling_simulator.abort"
_HUGE_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class AbortableProtocol(H11Protocol):
    """The HTTP protocol of uvicorn, with a way for the application to break the connection."""

    def handle_events(self) -> None:
        """Handle events as usual and give each request a way to break its connection."""
        super().handle_events()
        # uvicorn sets no scope before the first request, whatever its annotation says.
        if cast(object, self.scope) is not None:
            self.scope.setdefault("extensions", {})[_ABORT] = {"abort": self.transport.abort}


@dataclass
class _Response:
    """A response that is held back on its way out."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def capture(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self.body += message.get("body", b"")


class FaultMiddleware:
    """Wraps the application and makes faults happen to the requests that they apply to."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app, self._context = app, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or make its fault happen."""
        fault = None
        if scope["type"] == "http":
            operation = _operation(self._context.rules, scope["method"], scope["path"])
            fault = self._context.faults.choose(operation, scope["path"]) if operation else None
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._apply(fault, scope, receive, send)

    async def _apply(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        # Read whole first: what happens next must not depend on whether the client stays.
        receive = await _read_whole(receive)
        if fault.kind in ("late", "expired"):
            if fault.kind == "late":
                await asyncio.sleep(fault.seconds)
            else:
                self._context.files.expire(scope["path"].rpartition("/")[2])
            await self._app(scope, receive, send)
            return
        response = _Response()
        if fault.kind != "lost_before" and (fault.after or fault.kind not in ("refuse", "status")):
            await self._app(scope, receive, response.capture)
        if fault.kind in ("lost_before", "lost_after"):
            _abort(scope)
        elif fault.kind in ("cut", "stall"):
            await _send_half(fault, response, scope, send)
        else:
            if fault.kind == "latency":
                await asyncio.sleep(fault.seconds)
            else:
                self._replace(fault, response)
            await _send(response, send)

    def _replace(self, fault: Fault, response: _Response) -> None:
        if fault.kind == "refuse":
            error = error_response(ApiError(fault.code))
            response.status, response.body = error.status_code, bytearray(error.body)
        elif fault.kind == "status":
            response.status, response.body = fault.status, bytearray(_html(fault.status))
        else:
            response.body = bytearray(self._hostile_body(fault.body, bytes(response.body)))
        kind = b"text/html" if response.body[:1] == b"<" else b"application/json"
        response.headers = [(b"content-type", kind)]

    def _hostile_body(self, kind: str, body: bytes) -> bytes:
        if kind == "huge":
            return b'{"code": 0, "message": "' + b"A" * _HUGE_BYTES + b'", "data": {}}'
        if kind == "malformed":
            return body[: len(body) // 2]
        if kind == "other_task":
            other = self._context.store.other_task_id(body).encode()
            return re.sub(rb"\d{18}", other, body, count=1)
        if kind == "wrong_types":
            return json.dumps({"code": "0", "data": {"task_id": 7, "task_status": []}}).encode()
        return b"" if kind == "empty" else _html(200)


def _operation(rules: Rules, method: str, path: str) -> str:
    """Name the operation of a request, one of faults.OPERATIONS; "" outside of the vendor's API."""
    if path.startswith("/files/"):
        return "download"
    if path.startswith("/account/"):
        return "account"
    if path == "/tasks":
        return "look" if method == "GET" else "list"
    endpoint = rules.by_path.get(path)
    if endpoint is not None:
        if method != "POST":
            return "list"
        return "call" if endpoint.is_synchronous else "create"
    parent = rules.by_path.get(path.rpartition("/")[0])
    if parent is None:
        return ""
    return "create" if parent.is_v2 else "look"


def _html(status: int) -> bytes:
    return f"<html><body><h1>{status}</h1><p>proxy</p></body></html>".encode()


def _abort(scope: Scope) -> None:
    extension = scope.get("extensions", {}).get(_ABORT)
    if extension is None:
        raise ConnectionError("the simulator broke the connection")  # no socket in this test
    extension["abort"]()


async def _read_whole(receive: Receive) -> Receive:
    messages: list[Message] = []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            break

    async def replay() -> Message:
        return messages.pop(0) if messages else await receive()

    return replay


async def _send(response: _Response, send: Send) -> None:
    length = (b"content-length", str(len(response.body)).encode())
    headers = [h for h in response.headers if h[0].lower() != b"content-length"] + [length]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(response.body)})


async def _send_half(fault: Fault, response: _Response, scope: Scope, send: Send) -> None:
    start = {"status": response.status, "headers": response.headers}
    await send({"type": "http.response.start", **start})
    half = bytes(response.body[: len(response.body) // 2])
    for begin in range(0, len(half), _CHUNK_BYTES):
        chunk = half[begin : begin + _CHUNK_BYTES]
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await asyncio.sleep(fault.seconds if fault.kind == "stall" else 0.05)
    _abort(scope)

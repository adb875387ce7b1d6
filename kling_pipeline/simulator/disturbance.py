"""Where faults happen: between the connection and the service."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from kling_pipeline.simulator.answers import refuse
from kling_pipeline.simulator.errors import ApiError
from kling_pipeline.simulator.faults import Fault, Faults

Classify = Callable[[str, str], str]
_ABORT = "kling_simulator.abort"
_HUGE = 64 * 1024 * 1024
_CHUNK = 64 * 1024


class Line(H11Protocol):
    """The HTTP protocol, with a way to break the connection that an application cannot have."""

    def handle_events(self) -> None:
        """Read requests as ever and tell each how to break its connection."""
        super().handle_events()
        # uvicorn sets no scope before the first request, whatever its annotation says.
        if cast(object, self.scope) is not None:
            self.scope.setdefault("extensions", {})[_ABORT] = {"abort": self.transport.abort}


@dataclass
class _Answer:
    """An answer caught on its way out."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def catch(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self.body += message.get("body", b"")


class Disturbance:
    """Wraps the service and lets faults happen to the requests that meet one."""

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        classify: Classify,
        expire: Callable[[str], None],
        other_task_id: Callable[[bytes], str],
    ) -> None:
        self._app, self._faults, self._classify = app, faults, classify
        self._expire, self._another_id = expire, other_task_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or let its fault happen."""
        fault = None
        if scope["type"] == "http":
            operation = self._classify(scope["method"], scope["path"])
            fault = self._faults.meet(operation, scope["path"]) if operation else None
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._disturb(fault, scope, receive, send)

    async def _disturb(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        # Taken in whole first: what happens next must not depend on a client that stays.
        receive = await _take_in(receive)
        if fault.kind == "late":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
            return
        if fault.kind == "expired":
            self._expire(scope["path"].rpartition("/")[2])
            await self._app(scope, receive, send)
            return
        answer = _Answer()
        if fault.kind != "lost_before" and (fault.after or fault.kind not in ("refuse", "status")):
            await self._app(scope, receive, answer.catch)
        if fault.kind in ("lost_before", "lost_after"):
            _break(scope)
        elif fault.kind in ("cut", "stall"):
            await _send_half(fault, answer, scope, send)
        else:
            if fault.kind == "latency":
                await asyncio.sleep(fault.seconds)
            else:
                self._spoil(fault, answer)
            await _send(answer, send)

    def _spoil(self, fault: Fault, answer: _Answer) -> None:
        if fault.kind == "refuse":
            response = refuse(ApiError(fault.code))
            answer.status, answer.body = response.status_code, bytearray(response.body)
        elif fault.kind == "status":
            answer.status, answer.body = fault.status, bytearray(_page(fault.status))
        else:
            body = self._hostile(fault.body, bytes(answer.body))
            answer.body = bytearray(body)
        kind = b"text/html" if answer.body[:1] == b"<" else b"application/json"
        answer.headers = [(b"content-type", kind)]

    def _hostile(self, kind: str, body: bytes) -> bytes:
        if kind == "huge":
            return b'{"code": 0, "message": "' + b"A" * _HUGE + b'", "data": {}}'
        if kind == "malformed":
            return body[: len(body) // 2]
        if kind == "other_task":
            return re.sub(rb"\d{18}", self._another_id(body).encode(), body, count=1)
        if kind == "wrong_types":
            return json.dumps({"code": "0", "data": {"task_id": 7, "task_status": []}}).encode()
        return b"" if kind == "empty" else _page(200)


def _page(status: int) -> bytes:
    return f"<html><body><h1>{status}</h1><p>proxy</p></body></html>".encode()


def _break(scope: Scope) -> None:
    line = scope.get("extensions", {}).get(_ABORT)
    if line is None:
        raise ConnectionError("the simulator broke the connection")  # no socket in this test
    line["abort"]()


async def _take_in(receive: Receive) -> Receive:
    messages: list[Message] = []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            break

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return again


async def _send(answer: _Answer, send: Send) -> None:
    length = (b"content-length", str(len(answer.body)).encode())
    headers = [h for h in answer.headers if h[0].lower() != b"content-length"] + [length]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(answer.body)})


async def _send_half(fault: Fault, answer: _Answer, scope: Scope, send: Send) -> None:
    start = {"status": answer.status, "headers": answer.headers}
    await send({"type": "http.response.start", **start})
    half = bytes(answer.body[: len(answer.body) // 2])
    for begin in range(0, len(half), _CHUNK):
        chunk = half[begin : begin + _CHUNK]
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await asyncio.sleep(fault.seconds if fault.kind == "stall" else 0.05)
    _break(scope)

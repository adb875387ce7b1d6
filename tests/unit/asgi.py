"""Send one request to an ASGI app, its body in chunks and pauses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.conftest import run_async


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        error = json.loads(self.body)["error"]
        assert set(error) >= {"code", "message", "fields"}
        return str(error["code"])


def send_request(
    app: Any,
    path: str = "/api/quote",
    *,
    body: Iterable[bytes | float] = (),
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    method: str = "POST",
    complete: bool = True,
    disconnect_after: float = 0.0,
) -> Response:
    """Return the response; a number among the body's chunks is a pause in seconds.

    Without `complete` the body never ends; `disconnect_after` are the seconds from its end to the client's disconnect.
    """
    pairs = headers.items() if isinstance(headers, dict) else headers or []
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "scheme": "http",
        "query_string": query.encode(), "root_path": "", "server": ("127.0.0.1", 7860), "http_version": "1.1",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
    }  # fmt: skip
    chunks, sent, ended = iter(body), list[dict[str, Any]](), False

    async def receive() -> dict[str, Any]:
        nonlocal ended
        for chunk in chunks:
            if isinstance(chunk, bytes):
                return {"type": "http.request", "body": chunk, "more_body": True}
            await asyncio.sleep(chunk)
        if not complete:
            await asyncio.Event().wait()
        if ended:
            await asyncio.sleep(disconnect_after)
            return {"type": "http.disconnect"}
        ended = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    run_async(app(scope, receive, send))
    start = sent[0]
    got = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Response(start["status"], got, b"".join(one.get("body", b"") for one in sent[1:]))

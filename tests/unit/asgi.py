"""One request through a piece of ASGI, its body coming as the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.conftest import run_async


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        error = json.loads(self.body)["error"]
        assert set(error) >= {"code", "message", "fields"}
        return str(error["code"])


def ask(
    app: Any,
    path: str = "/api/quote",
    *,
    body: Iterable[bytes | float] = (),
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    method: str = "POST",
    ends: bool = True,
    leaves: float = 0.0,
) -> Answer:
    """The answer; a number among the pieces of the body is a pause, and without `ends` the rest never comes.

    So long after the body's end the client leaves.
    """
    pairs = headers.items() if isinstance(headers, dict) else headers or []
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "scheme": "http",
        "query_string": query.encode(), "root_path": "", "server": ("127.0.0.1", 7860), "http_version": "1.1",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
    }  # fmt: skip
    pieces, sent, ended = iter(body), list[dict[str, Any]](), False

    async def receive() -> dict[str, Any]:
        nonlocal ended
        for piece in pieces:
            if isinstance(piece, bytes):
                return {"type": "http.request", "body": piece, "more_body": True}
            await asyncio.sleep(piece)
        if not ends:
            await asyncio.Event().wait()
        if ended:
            await asyncio.sleep(leaves)
            return {"type": "http.disconnect"}
        ended = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    run_async(app(scope, receive, send))
    start = sent[0]
    got = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], got, b"".join(one.get("body", b"") for one in sent[1:]))

"""Reading a request's body from ASGI: its declared length, and the rest of it after a refusal."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import Receive, Scope

_DRAIN_SECONDS = 5.0


def read_content_length(scope: Scope) -> int | None:
    """Return Content-Length in bytes; None where it is absent or not a number."""
    stated = dict(scope["headers"]).get(b"content-length", b"")
    return int(stated[:20]) if stated.isdigit() else None


async def drain(receive: Receive) -> None:
    """Read the rest of a body for some seconds: a client that still sends may not read its response otherwise."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (await receive()).get("more_body"):
                pass

"""A request's body on its way in: how long it says it is, and what still comes after a refusal."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import Receive, Scope

_LINGER_SECONDS = 5.0


def read_length(scope: Scope) -> int | None:
    """What Content-Length says; None where there is none, or no number."""
    stated = dict(scope["headers"]).get(b"content-length", b"")
    return int(stated[:20]) if stated.isdigit() else None


async def drain(receive: Receive) -> None:
    """Hears out a client for a moment: one that still sends may not see its answer otherwise."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass

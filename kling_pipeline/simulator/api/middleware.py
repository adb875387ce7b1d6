"""Middleware around all routes: tidy paths, and an envelope for unexpected errors."""

from __future__ import annotations

import logging
import re
from urllib.parse import unquote

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.simulator.api.envelope import error_response
from kling_pipeline.simulator.errors import ApiError

_log = logging.getLogger(__name__)


class UnexpectedErrorMiddleware:
    """Responds to an unexpected exception with 5000 in the envelope; the connection goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; raises only if the response had already begun."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception:
            if started or scope["type"] != "http":
                raise
            _log.exception("unexpected error, answered with 5000")
            await error_response(ApiError(5000))(scope, receive, send)


class PathMiddleware:
    """Removes double and trailing slashes; whether the real service does is not known.

    A slash inside a name ("%2F") stays encoded until routing is done.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its path tidied."""
        if scope["type"] == "http":
            raw = re.sub("/{2,}", "/", scope["raw_path"].decode()).rstrip("/") or "/"
            path = unquote(re.sub("(?i)%2f", "%252F", raw))
            scope = {**scope, "path": path, "raw_path": raw.encode()}
        await self._app(scope, receive, send)

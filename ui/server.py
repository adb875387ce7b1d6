"""The web server: how long it waits for a request's head, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from types import FrameType
from typing import Any

import anyio
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ui.middleware.safe_responses import SAFE_HEADERS

__all__ = ["serve"]

_HEAD_SECONDS = 20.0
_OPEN_ANSWERS_SECONDS = 10
_LAST_SECONDS = 2.0


class _Connection(H11Protocol):
    """One connection; who says nothing, or half a request's head, is hung up on."""

    _silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._await_head()

    def on_response_complete(self) -> None:
        self._await_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._silence is not None:
            self._silence.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Says in our shape what is no HTTP."""
        said = {"code": "bad_request", "message": msg, "fields": {}}
        body = json.dumps({"error": said}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        length = [(b"content-length", str(len(body)).encode())]
        for event in (
            h11.Response(
                status_code=400, reason=b"Bad Request", headers=[*headers, *length, *SAFE_HEADERS]
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _await_head(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self.loop.call_later(_HEAD_SECONDS, self._hang_up, self.cycle)

    def _hang_up(self, last: Any) -> None:
        # A request that has begun since then has another cycle, and its own time-outs.
        if self.cycle is last and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """Gives the leases back first; answers that are still read then have some seconds, and a second signal none."""

    def __init__(self, config: uvicorn.Config, stop_worker: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop_worker = stop_worker

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(128 + sig)  # as after a kill, the next start takes everything up
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: Any = None) -> None:
        stopping = asyncio.create_task(anyio.to_thread.run_sync(self._stop_worker))
        # The app's own end waits for the worker too.
        ending = asyncio.create_task(super().shutdown(sockets))
        most = _OPEN_ANSWERS_SECONDS + _LAST_SECONDS
        _, late = await asyncio.wait({stopping, ending}, timeout=most)
        if not late and self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_SECONDS)
        if late or self.server_state.tasks:
            # Threads cannot be cancelled, and Python would wait for them; what they were to write is not lost by this.
            os._exit(0)
        for task in (stopping, ending):
            task.result()


def serve(app: Any, listener: Any, stop_worker: Callable[[], None]) -> bool:
    """Serves until a signal comes; False when it could not start."""
    _allow_connections()
    config = uvicorn.Config(
        app,
        http=_Connection,
        log_level="warning",
        # Without handlers of its own, so that what it logs is masked like everything else.
        log_config=None,
        # Whoever asks may write them; STUDIO_PUBLIC_URL says where the studio stands.
        proxy_headers=False,
        timeout_graceful_shutdown=_OPEN_ANSWERS_SECONDS,
    )
    server = _Server(config, stop_worker)
    server.run(sockets=[listener])
    return server.started


def _allow_connections() -> None:
    """Slow clients cost a descriptor each; the usual 1024 are soon used up."""
    try:
        import resource  # noqa: PLC0415  # Windows has none

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65_536 if most == resource.RLIM_INFINITY else min(most, 65_536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    except (ImportError, ValueError, OSError):
        pass

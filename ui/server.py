"""The web server: uvicorn with a time limit for a request's headers, and a shutdown that always ends."""

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

_HEADER_SECONDS = 20.0
_RESPONSE_SECONDS = 10
_EXIT_SECONDS = 2.0


class _Connection(H11Protocol):
    """A connection that closes when a request's headers do not arrive in time."""

    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._start_header_timer()

    def on_response_complete(self) -> None:
        self._start_header_timer()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Respond to malformed HTTP in the shape of our errors."""
        error = {"code": "bad_request", "message": msg, "fields": {}}
        body = json.dumps({"error": error}).encode()
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

    def _start_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
        self._header_timer = self.loop.call_later(_HEADER_SECONDS, self._close_idle, self.cycle)

    def _close_idle(self, last: Any) -> None:
        # A request that has begun since then has another cycle, and time-outs of its own.
        if self.cycle is last and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """Stops the worker and its leases first; open responses have some seconds, after a second signal none."""

    def __init__(self, config: uvicorn.Config, stop_worker: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop_worker = stop_worker

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(128 + sig)  # the next start recovers everything, as after a kill
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: Any = None) -> None:
        worker_stop = asyncio.create_task(anyio.to_thread.run_sync(self._stop_worker))
        # The app's own shutdown waits for the worker too.
        shutdown = asyncio.create_task(super().shutdown(sockets))
        limit = _RESPONSE_SECONDS + _EXIT_SECONDS
        _, late = await asyncio.wait({worker_stop, shutdown}, timeout=limit)
        if not late and self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_EXIT_SECONDS)
        if late or self.server_state.tasks:
            # Python would wait for threads, which cannot be cancelled; the next start recovers their work.
            os._exit(0)
        for task in (worker_stop, shutdown):
            task.result()


def serve(app: Any, listener: Any, stop_worker: Callable[[], None]) -> bool:
    """Serve until a signal arrives; False when the server could not start."""
    _raise_descriptor_limit()
    config = uvicorn.Config(
        app,
        http=_Connection,
        log_level="warning",
        # Without handlers of its own, so that its log passes the redaction like everything else.
        log_config=None,
        # Any client may send them; STUDIO_PUBLIC_URL holds the outside address.
        proxy_headers=False,
        timeout_graceful_shutdown=_RESPONSE_SECONDS,
    )
    server = _Server(config, stop_worker)
    server.run(sockets=[listener])
    return server.started


def _raise_descriptor_limit() -> None:
    """Allow up to 65536 open files: each slow client needs one, and the usual limit is 1024."""
    try:
        import resource  # noqa: PLC0415  # Windows has none

        _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65_536 if limit == resource.RLIM_INFINITY else min(limit, 65_536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, limit))
    except (ImportError, ValueError, OSError):
        pass

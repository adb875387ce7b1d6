"""The server's shutdown ends although a thread of the worker, or the app's own shutdown, does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn

import ui.server
from tests.conftest import WAIT, run_async


class Exited(BaseException):
    """Raised in place of `os._exit`."""


@pytest.fixture
def exited(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the process would exit."""
    flag = threading.Event()

    def end(code: int) -> None:
        flag.set()
        raise Exited(code)

    monkeypatch.setattr(ui.server.os, "_exit", end)
    return flag


def shut_down(stop_worker: Callable[[], Any], close: Callable[[], Any] = lambda: None) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for kind in ("startup", "shutdown"):
            await receive()
            if kind == "shutdown":
                await asyncio.to_thread(close)
            await send({"type": f"lifespan.{kind}.complete"})

    async def run() -> None:
        server = ui.server._Server(uvicorn.Config(app, lifespan="on"), stop_worker)
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        server.servers = []
        await server.lifespan.startup()
        await server.shutdown([])

    run_async(run())


@pytest.mark.parametrize("stuck", ["worker", "close", "both"])
def test_a_thread_that_does_not_end_does_not_stop_the_shutdown(
    stuck: str, exited: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui.server, "_RESPONSE_SECONDS", 0.05)
    monkeypatch.setattr(ui.server, "_EXIT_SECONDS", 0.05)

    def wait() -> None:
        assert exited.wait(WAIT), "the shutdown waits for this thread"

    def nothing() -> None:
        pass

    with pytest.raises(Exited):
        shut_down(nothing if stuck == "close" else wait, nothing if stuck == "worker" else wait)


def test_a_shutdown_that_ends_is_awaited_and_its_error_raised(exited: threading.Event) -> None:
    stopped: list[str] = []
    shut_down(lambda: stopped.append("worker"), lambda: stopped.append("app"))
    assert sorted(stopped) == ["app", "worker"]

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        shut_down(fail)
    assert not exited.is_set()

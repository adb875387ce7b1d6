"""The server: routes, envelope, and the life of the process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import unquote

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_pipeline.simulator import account, answers, control, routes, standard
from kling_pipeline.simulator.bench import Bench
from kling_pipeline.simulator.desk import Desk
from kling_pipeline.simulator.disturbance import Disturbance, Line
from kling_pipeline.simulator.errors import ApiError
from kling_pipeline.simulator.faults import Faults
from kling_pipeline.simulator.files import Files
from kling_pipeline.simulator.options import Options
from kling_pipeline.simulator.rules.loader import Rules
from kling_pipeline.simulator.studio import Studio
from kling_pipeline.simulator.tasks.store import TaskStore

_log = logging.getLogger(__name__)


def build_app(options: Options) -> ASGIApp:
    """Put one simulator together; it draws only while its lifespan is open."""
    rules = Rules(options.contract, options.model_states, options.rules)
    folder = _folder(options.state)
    store = TaskStore(options.state)
    key = store.setting("link_key", secrets.token_hex(32))
    files = Files(folder, key, rules.retention["link_days"])
    studio = Studio(options.media, folder)
    faults = Faults(options.seed, options.faults)
    desk = Desk(Bench(options, rules, store, files, studio, faults))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        resuming = asyncio.create_task(desk.resume())
        yield
        resuming.cancel()
        studio.close()
        desk.callbacks.close()
        store.close()
        if options.state is None:
            shutil.rmtree(folder, ignore_errors=True)

    files_route = Route("/files/{sign}/{name}", files.answer)
    app = Starlette(
        routes=[
            files_route,
            *control.routes(desk),
            *account.routes(desk),
            *standard.routes(desk),
            *routes.routes(desk),
        ],
        exception_handlers={ApiError: _refused, HTTPException: _unrouted},
        middleware=[Middleware(_Net)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    disturbed = Disturbance(app, faults, _classifier(rules), files.expire, store.other_task_id)
    return _tidy_paths(disturbed)


def serve(options: Options) -> None:
    """Run a simulator on 127.0.0.1 until it is told to stop.

    With `parent_pipe` it ends when its standard input does: a killed parent leaves no orphan.
    Raises OSError when the port is taken.
    """
    os.umask(0o077)  # tasks, prompts and results are their owner's
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.listen(256)
    config = uvicorn.Config(
        build_app(options),
        http=Line,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        # A client's idle connection must not be closed under its next create.
        timeout_keep_alive=600,
    )
    server = uvicorn.Server(config)
    if options.parent_pipe:
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    port = listener.getsockname()[1]
    if options.port_file is not None:
        _write_port(options.port_file, port)
    print(f"A simulated Kling answers at http://127.0.0.1:{port}", flush=True)
    server.run(sockets=[listener])


def _folder(state: Path | None) -> Path:
    if state is None:
        return Path(tempfile.mkdtemp(prefix="kling-simulator-"))
    folder = state.with_name(f"{state.name}.files")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def _write_port(target: Path, port: int) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".port-")  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps({"port": port, "pid": os.getpid()}) + "\n")
    os.replace(name, target)


def _end_with_parent(server: uvicorn.Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True


class _Net:
    """Catches what nobody foresaw: the vendor's envelope, and a connection that goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            _log.exception("unforeseen, answered with 5000")
            await answers.refuse(ApiError(5000))(scope, receive, send)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answers.refuse(error)


def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answers.refuse(ApiError(1202 if error.status_code == 405 else 1203))


def _classifier(rules: Rules) -> Callable[[str, str], str]:
    """Tell what kind of operation a request is; "" for what is no part of the service."""
    paths = {one.path: one for one in rules.endpoints.values()}

    def classify(method: str, path: str) -> str:
        if path.startswith("/files/"):
            return "download"
        if path.startswith("/account/"):
            return "account"
        if path in paths:
            call = paths[path].is_synchronous
            return ("call" if call else "create") if method == "POST" else "list"
        above = path.rpartition("/")[0]
        if path == "/tasks":
            return "look" if method == "GET" else "list"
        if above in paths:
            return "create" if paths[above].is_v2 else "look"
        return ""

    return classify


def _tidy_paths(app: ASGIApp) -> ASGIApp:
    """Let a double or a trailing slash pass; whether the real service does is not known.

    A slash inside a name ("%2F") stays written so until routing is done.
    """

    async def tidied(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw = re.sub("/{2,}", "/", scope["raw_path"].decode()).rstrip("/") or "/"
            path = unquote(re.sub("(?i)%2f", "%252F", raw))
            scope = {**scope, "path": path, "raw_path": raw.encode()}
        await app(scope, receive, send)

    return tidied

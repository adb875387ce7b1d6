"""Build the application of one simulator: its parts, routes and middleware."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kling_pipeline.simulator.api import account_routes, control_routes, v1_routes, v2_routes
from kling_pipeline.simulator.api.envelope import error_response
from kling_pipeline.simulator.api.fault_middleware import FaultMiddleware
from kling_pipeline.simulator.api.middleware import PathMiddleware, UnexpectedErrorMiddleware
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.errors import ApiError
from kling_pipeline.simulator.faults import Faults
from kling_pipeline.simulator.files import Files
from kling_pipeline.simulator.options import Options
from kling_pipeline.simulator.render.renderer import Renderer
from kling_pipeline.simulator.rules.loader import Rules
from kling_pipeline.simulator.service import Service
from kling_pipeline.simulator.tasks.store import TaskStore


def build_app(options: Options) -> ASGIApp:
    """Build one simulator; it renders only while its lifespan is open.

    Raises OSError or sqlite3.Error when the state cannot be used, ValueError for wrong faults.
    """
    rules = Rules(options.contract, options.model_states, options.rules)
    folder = _folder(options.state)
    store = TaskStore(options.state)
    files = Files(
        folder, store.setting("link_key", secrets.token_hex(32)), rules.retention["link_days"]
    )
    faults = Faults(options.seed, options.faults)
    context = Context(options, rules, store, files, Renderer(options.media, folder), faults)
    service = Service(context)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        resuming = asyncio.create_task(service.resume())
        yield
        resuming.cancel()
        context.renderer.close()
        service.callbacks.close()
        store.close()
        if options.state is None:
            shutil.rmtree(folder, ignore_errors=True)

    app = Starlette(
        routes=[
            Route("/files/{sign}/{name}", files.serve),
            *control_routes.routes(service),
            *account_routes.routes(service),
            *v2_routes.routes(service),
            *v1_routes.routes(service),
        ],
        exception_handlers={ApiError: _on_api_error, HTTPException: _on_http_error},
        middleware=[Middleware(UnexpectedErrorMiddleware)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return PathMiddleware(FaultMiddleware(app, context))


def _folder(state: Path | None) -> Path:
    if state is None:
        return Path(tempfile.mkdtemp(prefix="kling-simulator-"))
    folder = state.with_name(f"{state.name}.files")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(error)


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(ApiError(1202 if error.status_code == 405 else 1203))

"""Start Kling Studio: settings, engine, page, server."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kling_pipeline.console import prepare_console, write_line
from kling_pipeline.data_folder import own_paths
from kling_pipeline.errors import StudioError
from kling_pipeline.redaction import install_redaction
from kling_pipeline.settings import Settings, read_settings

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read by Gradio at its import

if __name__ == "__main__":  # what follows is read by Gradio at its import too
    prepare_console()
    try:
        SETTINGS = read_settings()
    except StudioError as error:
        sys.exit(error.message)
    # Settings of another Gradio program: a bad port ends the import, SSR starts Node, a root path moves the page.
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(SETTINGS.studio_data_dir / "gradio")
    # The engine reads proxies from the settings; nothing else connects, and a bad value would end Gradio's import.
    for kind in (
        "http_proxy", "https_proxy", "all_proxy", "ssl_cert_file", "ssl_cert_dir", "sslkeylogfile",
    ):  # fmt: skip
        os.environ.pop(kind, None)
        os.environ.pop(kind.upper(), None)

import anyio
import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from kling_pipeline.jobs.cleanup import clean_cache
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.runtime import Runtime
from ui.api.routes import add_routes
from ui.gradio_uploads import delete_partial_uploads
from ui.middleware.body_limits import BodyLimitMiddleware
from ui.middleware.host_check import HostCheckMiddleware
from ui.middleware.safe_responses import SafeResponseMiddleware
from ui.middleware.upload_quota import UploadQuotaMiddleware
from ui.page import build_page, mount_options
from ui.server import serve


def build_app(runtime: Runtime) -> FastAPI:
    """Build the web app of one studio: middleware, routes and page; its lifespan starts and closes the worker."""
    running = False

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        nonlocal running
        if runtime.settings.studio_workers:
            await anyio.to_thread.run_sync(runtime.start_worker)
        running = True
        yield
        running = False
        await anyio.to_thread.run_sync(runtime.close)

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=build_middleware(runtime),
    )
    add_routes(app, runtime.pipeline, lambda: running)
    prepare_cache(runtime.pipeline.engine)
    delete_partial_uploads()
    page = build_page(runtime.pipeline)
    # Gradio checks the file paths of requests only once the page counts as launched.
    page.has_launched = True
    app = gr.mount_gradio_app(
        app,
        page,
        path="/",
        allowed_paths=[],
        blocked_paths=list_private(runtime.settings.studio_data_dir),
        run_history=False,
        max_file_size="200mb",
        **mount_options(runtime.pipeline),
    )
    return app


def build_middleware(runtime: Runtime) -> list[Middleware]:
    """List the middleware, the outermost first."""
    return [
        Middleware(SafeResponseMiddleware),
        Middleware(HostCheckMiddleware, runtime.settings),
        Middleware(BodyLimitMiddleware),
        Middleware(UploadQuotaMiddleware, runtime.pipeline),
    ]


def prepare_cache(engine: Engine) -> None:
    """Create the folder of Gradio's uploads and delete expired files in it."""
    engine.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    clean_cache(engine)


def list_private(data: Path) -> list[str]:
    """List the paths that Gradio must not serve: all of the data folder but Gradio's own part."""
    return [str(one) for one in own_paths(data) if one.name != "gradio"]


def check_exposure(settings: Settings) -> None:
    """Raise StudioError for keys with a HOST beyond loopback: without sign-in anybody could spend the credits."""
    if not settings.demo and not settings.loopback:
        raise StudioError(
            f"HOST is {settings.host} and Kling keys are set: anybody who reaches this address could spend "
            "your credits, because there is no sign-in yet. Set HOST=127.0.0.1, or unset the keys for a demo.",
            code="exposed",
        )


def listen(settings: Settings) -> socket.socket:
    """Return a bound socket; StudioError when HOST or PORT cannot be bound."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with contextlib.ExitStack() as failed:
        try:
            listener = failed.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, settings.port))
        except (
            OSError,
            UnicodeError,
            TypeError,
        ) as error:  # TypeError: a host name that is too long
            raise StudioError(_explain_bind_error(settings, error), code="no_port") from None
        failed.pop_all()
    return listener


def _explain_bind_error(settings: Settings, error: Exception) -> str:
    """Say which of HOST and PORT is wrong, and what to set it to."""
    reason = getattr(error, "strerror", None) or "this is no name of a host"
    number = getattr(error, "errno", None)
    message = f"Nothing can listen at {settings.host}, port {settings.port}: {reason}. "
    if number == errno.EADDRINUSE:
        return message + "Set PORT to another one, or end the program that has it."
    if number in (errno.EACCES, errno.EPERM):
        return message + "Set PORT to 1024 or more; lower ones are for administrators."
    return message + (
        f"HOST is {settings.host}, and that is no address of this machine. Set HOST=127.0.0.1, or take HOST out "
        "of the environment; some tools, conda for one, keep a name of their own there."
    )


def main(settings: Settings) -> None:
    """Start the studio and print its URL; exit 3 when the server cannot start."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        check_exposure(settings)
        install_redaction(settings)
        listener = listen(settings)
        runtime = Runtime(settings)
        # The system's temporary folder is often in memory; uploads need room on the disk.
        tempfile.tempdir = str(settings.studio_data_dir)
        app = build_app(runtime)
    except StudioError as error:
        sys.exit(error.message)
    mode = "demo mode: nothing is sent or charged" if settings.demo else settings.kling_base_url
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    port = listener.getsockname()[1]
    write_line(f"Kling Studio at http://{f'[{shown}]' if ':' in shown else shown}:{port} ({mode})")
    if not serve(app, listener, runtime.stop_worker):
        sys.exit(3)  # uvicorn has logged the reason


if __name__ == "__main__":
    main(SETTINGS)

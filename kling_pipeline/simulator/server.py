"""Serve a simulator as a process: its socket, its port file, its end."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

import uvicorn

from kling_pipeline.simulator.api.fault_middleware import AbortableProtocol
from kling_pipeline.simulator.app import build_app
from kling_pipeline.simulator.options import Options


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
        http=AbortableProtocol,
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


def _write_port(target: Path, port: int) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".port-")  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps({"port": port, "pid": os.getpid()}) + "\n")
    os.replace(name, target)


def _end_with_parent(server: uvicorn.Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True

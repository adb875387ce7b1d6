"""A fork server: one process with the imports done, from which studios, workers and simulators are forked.

Importing Gradio and the engine takes five seconds of processor time, and the tests start some hundred processes.
The server and all that it has forked end with the process that asked for it, however that one ends.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
MESSAGE_BYTES = 1 << 17


class Forked:
    """A forked process with the face of `subprocess.Popen`."""

    def __init__(
        self, command: list[str], env: dict[str, str], stdout: BinaryIO, stderr: BinaryIO
    ) -> None:
        """`command` is one of Python's: a file, `-m module` or `-c code`, each with its arguments."""
        self.returncode: int | None = None
        self._status, status = os.pipe()
        stdin, write = os.pipe()
        self.stdin = open(write, "wb", buffering=0)  # noqa: SIM115  # its owner closes it
        message = json.dumps({"command": command[1:], "env": env}).encode()
        files = [stdin, stdout.fileno(), stderr.fileno(), status]
        socket.send_fds(_server(), [message], files)
        os.close(stdin)
        os.close(status)
        self.pid = int.from_bytes(self._read(), "little")

    def _read(self) -> bytes:
        answer = os.read(self._status, 4)
        if not answer:
            raise RuntimeError("the fork server has ended")
        return answer

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.returncode = int.from_bytes(self._read(), "little", signed=True)
            os.close(self._status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise TimeoutExpired(str(self.pid), timeout or 0)
        return self.poll() or 0

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(command: list[str], env: dict[str, str], timeout: float) -> CompletedProcess[str]:
    """As `subprocess.run` with captured text does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        forked = Forked(command, env, out, err)
        forked.stdin.close()
        try:
            forked.wait(timeout)
        finally:
            forked.kill()
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    return CompletedProcess(command, forked.returncode or 0, *told)


@functools.cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forkserver", str(theirs.fileno())],
        pass_fds=[theirs.fileno()], cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True,
        env=kept | {"GRADIO_ANALYTICS_ENABLED": "False"},
    )  # fmt: skip
    theirs.close()

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    importlib.import_module("app")
    package = importlib.import_module("kling_pipeline")
    for found in pkgutil.walk_packages(package.__path__, "kling_pipeline."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    gc.freeze()
    command = _serve(channel)
    _run(command)


def _serve(channel: socket.socket) -> list[str]:
    """Forks what is asked for; returns in each child, with its command line."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    alive: dict[int, int] = {}
    while True:
        ready = select.select([channel, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
            _reap(alive)
        if channel not in ready:
            continue
        message, files, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, 4)
        if not message:
            for pid in alive:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            for one in (woken, wake, *alive.values()):
                os.close(one)
            return _become(json.loads(message), files)
        *given, alive[pid] = files
        for one in given:
            os.close(one)
        os.write(alive[pid], pid.to_bytes(4, "little"))


def _reap(alive: dict[int, int]) -> None:
    for pid in list(alive):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            told = alive.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            # Nobody may be left to read it.
            with contextlib.suppress(BrokenPipeError):
                os.write(told, code.to_bytes(4, "little", signed=True))
            os.close(told)


def _become(request: dict, files: list[int]) -> list[str]:
    """Takes on the environment and the files of the process that was asked for."""
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    return list(request["command"])


def _run(command: list[str]) -> None:
    """What the interpreter does with its command line."""
    kind, *rest = command
    if kind == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(rest[0], {"__name__": "__main__"})
    else:
        sys.argv = command
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    main()

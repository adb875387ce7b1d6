"""Demo mode: the local simulator as a child process, one for all processes of a data folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kling_pipeline.data_folder import prepare_folder, refuse_folder
from kling_pipeline.errors import StudioError
from kling_pipeline.settings import ROOT, Settings

log = logging.getLogger(__name__)
SPEED = 10  # a video in 6 s, a picture in 1.5 s
_START_SECONDS = 30.0


@dataclass(frozen=True)
class Keys:
    """The pair that this folder's simulator takes."""

    access: str
    secret: str


class Demo:
    """Joins the running simulator of a data folder or starts it; it ends when the pipe of its starter closes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.studio_data_dir
        prepare_folder(self.folder)
        with self._locked():
            self.keys = self._read_keys()
        self.base_url = ""
        self._child: subprocess.Popen[bytes] | None = None

    def ensure(self) -> str:
        """Return the address of a simulator that answers, started if need be; StudioError when none will start."""
        if self.base_url and _answers(self.base_url):
            return self.base_url
        with self._locked():
            self.base_url = self._joined() or self._start()
        return self.base_url

    def expose_file(self, path: Path) -> str:
        """Return an address at which the simulator finds a local video; OSError when it does not take it."""
        with path.open("rb") as file:
            request = urllib.request.Request(
                f"{self.ensure()}/_simulator/inputs/{path.suffix.lstrip('.')}",
                data=file,
                headers={"Content-Length": str(path.stat().st_size)},
                method="POST",
            )
            try:
                # Without proxies: it is this machine.
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(request, timeout=60) as answer:
                    return str(json.loads(answer.read())["url"])
            except (OSError, ValueError, KeyError) as error:
                raise OSError(f"the simulator took no file: {error}") from None

    def stop(self) -> None:
        """End the simulator if this process started it."""
        if self._child is not None:
            if self._child.stdin:
                self._child.stdin.close()
            try:
                self._child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            self._child = None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time; StudioError when the folder cannot be written."""
        try:
            with (self.folder / "simulator.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise refuse_folder(self.folder, error) from None

    @property
    def _port_file(self) -> Path:
        return self.folder / "simulator.port"

    def _joined(self) -> str | None:
        port = self._last_port()
        address = f"http://127.0.0.1:{port}"
        return address if port and _answers(address) else None

    def _last_port(self) -> int:
        try:
            return int(json.loads(self._port_file.read_text())["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _start(self) -> str:
        self.stop()
        # The last port again if it is free, so that the links of finished tasks stay good.
        port = self._last_port()
        self._port_file.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "kling_pipeline.simulator", "--with-parent",
            "--port", str(port if _is_free(port) else 0),
            "--speed", str(SPEED * self.settings.studio_time_scale),
            "--contract", self.settings.kling_contract,
            "--state", str(self.folder / "simulator.db"), "--port-file", str(self._port_file),
            "--keys-on-stdin",  # a command line is for all to see
        ]  # fmt: skip
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT
        )
        line = json.dumps({"access_key": self.keys.access, "secret_key": self.keys.secret})
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended at once, which is told below
            self._child.stdin.write(f"{line}\n".encode())
            self._child.stdin.flush()
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._child.poll() is None:
            if (address := self._joined()) is not None:
                return address
            time.sleep(0.02)
        self.stop()
        raise StudioError(
            "The local simulator did not start.", code="no_simulator",
            next="Its own message stands above; another program may use its port.",
        )  # fmt: skip

    def _read_keys(self) -> Keys:
        path = self.folder / "simulator.keys"
        try:
            access, secret = path.read_text().split()
            if not (access.isascii() and secret.isascii() and f"{access}{secret}".isprintable()):
                raise ValueError("no keys")
        except (FileNotFoundError, ValueError):
            access, secret = f"demo-{secrets.token_hex(8)}", secrets.token_hex(24)
            with os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as file:
                file.write(f"{access}\n{secret}\n")
        return Keys(access, secret)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return port > 0


def _answers(address: str) -> bool:
    host, _, port = address.removeprefix("http://").partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1) as line:
            line.sendall(b"GET /_simulator/healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in line.recv(64)
    except OSError:
        return False

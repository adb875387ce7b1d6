"""What the tests share: a simulator, a studio on top of it, and a browser page that notes what it must not do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.forkserver import Forked, run

ROOT = Path(__file__).resolve().parent.parent
KEYS = ("test-access-key", "test-secret-key-that-is-long-enough-for-hs256")
WAIT = float(os.environ.get("STUDIO_TEST_WAIT", "60"))


def wait_for(check: Callable[[], Any], what: str, seconds: float = WAIT) -> Any:
    """The first true answer of `check`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.03)
    raise AssertionError(f"waited {seconds} s for {what}")


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """The outcome of a coroutine, on a thread of its own: an open browser keeps a loop in the one of the tests.

    TimeoutError ends what would wait for ever, so that a mistake fails one test and not the run.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asyncio.wait_for(work, 5 * WAIT)).result()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_env(**extra: str) -> dict[str, str]:
    """The environment without anything of Kling's, the studio's or coverage's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KLING_", "STUDIO_", "COVERAGE_")) and name not in ("HOST", "PORT")
    }
    return kept | extra


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that keep a browser busy and files that mostly wait take turns, so that two workers seldom do the same."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    busy = [one for path, one in files.items() if path.parent.name == "browser"]
    waits = [one for path, one in files.items() if path.parent.name == "service"]
    turns = [file for pair in zip_longest(busy, waits) for file in pair if file]
    rest = [one for one in files.values() if one not in turns]
    items[:] = [item for file in [*turns, *rest] for item in file]


class Process:
    """A child of a test, always ended, its output kept for the report of a failure."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as out:
            self.popen = Forked(command, env, out, out)

    def kill(self) -> None:
        """As `kill -9` does."""
        self.popen.send_signal(signal.SIGKILL)
        self._ended()

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout=WAIT)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self._ended()

    def _ended(self) -> None:
        self.popen.wait(timeout=WAIT)
        self.popen.stdin.close()

    def output(self) -> str:
        return self.log.read_text(errors="replace")


class Simulator(Process):
    """A local Kling with its state in a file, started again on the same port."""

    def __init__(
        self, folder: Path, *options: str, speed: float = 200, media: str = "plain"
    ) -> None:
        self.folder, self.port_file = folder, folder / "kling.port"
        self.port_file.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "kling_pipeline.simulator", "--speed", str(speed),
            "--media", media, "--state", str(folder / "kling.db"),
            "--port-file", str(self.port_file), "--access-key", KEYS[0], "--secret-key", KEYS[1],
            *options,
        ]  # fmt: skip
        super().__init__(command, folder / "kling.log", clean_env())
        wait_for(self.port_file.exists, "the simulator")
        self.port = json.loads(self.port_file.read_text())["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        wait_for(lambda: answers(f"{self.url}/_simulator/healthz"), "the simulator's health")

    def tasks(self) -> list[dict[str, Any]]:
        """Every task it knows, as its control route tells."""
        found = httpx.get(f"{self.url}/_simulator/tasks", trust_env=False).json()
        return found["tasks"] if isinstance(found, dict) else found


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


class App(Process):
    """A whole studio over HTTP."""

    def __init__(self, folder: Path, port: int | None = None, **env: str) -> None:
        self.folder, self.port = folder, port or free_port()
        self.env = clean_env(
            STUDIO_DATA_DIR=str(folder),
            PORT=str(self.port),
            HOST="127.0.0.1",
            **env,
        )
        super().__init__([sys.executable, "app.py"], folder.parent / "app.log", self.env)
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=WAIT, trust_env=False)

    def ready(self) -> App:
        try:
            wait_for(lambda: answers(f"{self.url}/healthz"), "the studio", 90)
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.output()[-4000:]}") from None
        return self

    def submit(self, capability: str, params: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        answer = self.http.post(
            "/api/jobs", json={"capability": capability, "params": params, **more}
        )
        assert answer.status_code == 201, answer.text
        return list(answer.json()["jobs"])

    def job(self, job_id: str) -> dict[str, Any]:
        return dict(self.http.get(f"/api/jobs/{job_id}").json())

    def wait_state(self, job_id: str, *states: str, seconds: float = WAIT) -> dict[str, Any]:
        def check() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["state"] in states else None

        return dict(wait_for(check, f"job {job_id} to be {states}", seconds))

    def wait_still(self) -> None:
        """Waits until no job is at work, so that nothing moves but what a test does."""
        last = {"done", "failed", "canceled"}

        def check() -> bool:
            return {one["state"] for one in self.http.get("/api/jobs").json()["jobs"]} <= last

        wait_for(check, "every job to be ended")

    def credits(self) -> dict[str, Any]:
        return dict(self.http.get("/api/credits").json())

    def upload(self, data: bytes) -> dict[str, Any]:
        answer = self.http.post("/api/uploads", files={"file": ("x", data)})
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["asset"])

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """The command line on the same data folder."""
        return run_cli(*command, env=self.env)

    def stop(self) -> None:
        self.http.close()
        super().stop()

    def kill(self) -> None:
        self.http.close()
        super().kill()


def run_cli(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "kling_pipeline", *command], env, timeout=180)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """A fast simulator with plain media."""
    started = Simulator(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def start_app(tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Starts studios that end with the test."""
    started: list[App] = []

    def start(*, ready: bool = True, **env: Any) -> App:
        port = started[-1].port if started else None
        app = App(tmp_path / "var", port, **env)
        started.append(app)
        return app.ready() if ready else app

    (tmp_path / "var").mkdir()
    yield start
    for app in started:
        app.stop()


@pytest.fixture
def keyed(simulator: Simulator) -> dict[str, str]:
    """The environment of a studio with keys whose Kling is the simulator, time running 20 times faster."""
    return {
        "KLING_BASE_URL": simulator.url,
        "KLING_ACCESS_KEY": KEYS[0],
        "KLING_SECRET_KEY": KEYS[1],
        "STUDIO_TIME_SCALE": "20",
    }

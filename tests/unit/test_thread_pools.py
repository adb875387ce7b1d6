"""Heavy requests have a thread pool: a few run, some wait, the rest are refused."""

from __future__ import annotations

import json
import threading
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from kling_pipeline.errors import BusyError
from tests.conftest import run_async
from tests.unit.conftest import Harness
from ui.api.routes import add_routes
from ui.http.error_handlers import handle_studio_error
from ui.http.thread_pools import ThreadPool


def test_a_few_run_some_wait_and_the_rest_are_refused() -> None:
    free, running, most = threading.Event(), [], 0

    def work(name: str) -> str:
        nonlocal most
        running.append(name)
        most = max(most, len(running))
        free.wait()
        running.remove(name)
        return name

    async def main() -> tuple[list[str], list[str], str]:
        pool = ThreadPool(max_threads=2, max_waiting=3)
        done: list[str] = []
        refused: list[str] = []

        async def ask(name: str) -> None:
            try:
                done.append(await pool.run(work, name))
            except BusyError as error:
                refused.append(error.code)

        async with anyio.create_task_group() as group:
            for number in range(9):
                group.start_soon(ask, str(number))
            while len(refused) < 4 or len(running) < 2:
                await anyio.lowlevel.checkpoint()
            # The shared pool is untouched: a light route finds its thread.
            light = await anyio.to_thread.run_sync(lambda: "light")
            free.set()
        return done, refused, light

    done, refused, light = run_async(main())
    assert (len(done), refused, light, most) == (5, ["busy"] * 4, "light", 2)


def test_a_thread_is_free_again_when_the_work_fails() -> None:
    def fail() -> None:
        raise ValueError("on purpose")

    async def main() -> str:
        pool = ThreadPool(max_threads=1, max_waiting=0)
        for _ in range(3):
            with pytest.raises(ValueError, match="on purpose"):
                await pool.run(fail)
        return await pool.run(lambda: "still open")

    assert run_async(main()) == "still open"


def test_a_refusal_has_retry_after() -> None:
    answer: Any = handle_studio_error(Request({"type": "http"}), BusyError("Too much at once."))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert json.loads(answer.body)["error"]["code"] == "busy"


@pytest.mark.parametrize(
    ("method", "path", "name", "body"),
    [
        ("POST", "/api/sessions", "open_session", {"capability": "lip_sync", "params": {}}),
        ("POST", "/api/sessions/s/add-selection", "call_session", {"params": {}}),
        ("POST", "/api/doctor/adopt", "adopt_orphan", {"task_id": "1"}),
        ("GET", "/api/doctor", "examine", None),
    ],
)
def test_however_many_wait_for_kling_the_light_routes_answer(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, method: str, path: str, name: str, body: Any
) -> None:
    answered = threading.Event()

    def slow(*_: Any) -> dict[str, Any]:
        answered.wait()
        return {}

    monkeypatch.setattr(harness.pipeline, name, slow)
    app = FastAPI()
    add_routes(app, harness.pipeline, lambda: True)
    statuses: list[int] = []

    async def main() -> int:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://studio"
        ) as http:

            async def ask() -> None:
                statuses.append((await http.request(method, path, json=body)).status_code)

            async with anyio.create_task_group() as group:
                for _ in range(60):
                    group.start_soon(ask)
                try:
                    with anyio.fail_after(60):  # it only ends a test that would hang
                        while len(statuses) < 20:
                            await anyio.sleep(0.01)
                        return (await http.get("/api/credits")).status_code
                finally:
                    answered.set()

    assert run_async(main()) == 200
    assert sorted({status: statuses.count(status) for status in statuses}.items()) == [
        (201 if name in ("open_session", "adopt_orphan") else 200, 40),
        (503, 20),
    ]

"""An upload over the quota is refused by its declared length, or while it arrives, whichever route it is for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kling_pipeline.errors import StorageError
from tests.conftest import run_async
from ui.middleware.upload_quota import UploadQuotaMiddleware

MB = 1024 * 1024
FULL = StorageError("full", code="quota_exceeded")


class Route:
    """A pipeline with a quota in bytes, and the route behind the middleware: what it received, and whether all."""

    def __init__(self, quota: int) -> None:
        self.quota, self.checked, self.received = quota, [], 0
        self.complete = self.disconnected = False
        self.received_beside: list[int] = []
        self.app = UploadQuotaMiddleware(self.route, self)  # type: ignore[arg-type]

    def check_space(self, owner: str, coming: int, *, arrived: int) -> None:
        self.checked.append(coming)
        self.received_beside.append(arrived)
        if coming + arrived > self.quota:
            raise FULL

    async def route(self, scope: Any, receive: Any, send: Any) -> None:
        while not self.complete:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected = True
                # As a router that catches what its route raises.
                await send({"type": "http.response.start", "status": 500, "headers": []})
                raise RuntimeError("the client disconnected")
            self.received += len(message["body"])
            self.complete = not message.get("more_body")
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"kept"})

    def post(self, chunks: Iterator[bytes], path: str = "/api/uploads", **headers: str) -> Any:
        """The status, and the body: a refusal's error as an object."""
        return run_async(self.ask(chunks, path, **headers))

    async def ask(self, chunks: Any, path: str = "/api/uploads", **headers: str) -> Any:
        sent: list[Any] = []
        pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        scope = {"type": "http", "method": "POST", "path": path, "headers": pairs}

        async def receive() -> Any:
            chunk = next(chunks, None)
            return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
        status = sent[0]["status"]
        return status, sent[1]["body"] if status == 201 else json.loads(sent[1]["body"])["error"]


@pytest.mark.parametrize("path", ["/api/uploads", "/gradio_api/upload"])
def test_a_declared_length_over_the_quota_is_refused_before_a_byte_is_read(path: str) -> None:
    route = Route(10 * MB)
    status, error = route.post(iter([b"x" * MB] * 3), path, content_length=str(11 * MB))
    assert (status, error["code"], route.received) == (413, "quota_exceeded", 0)
    status, _ = route.post(iter([b"x" * MB] * 3), path, content_length=str(9 * MB))
    assert (status, route.received) == (201, 3 * MB)


@pytest.mark.parametrize("headers", [{}, {"content_length": "5"}, {"content_length": "x"}])
def test_an_undeclared_length_is_refused_while_it_arrives(headers: dict[str, str]) -> None:
    """The route is told that its client disconnected, and its response is not sent."""
    route = Route(20 * MB)
    status, error = route.post(iter([b"x" * MB] * 500), **headers)
    assert (status, error["code"]) == (413, "quota_exceeded")
    assert route.disconnected
    assert route.received <= 32 * MB


def test_received_bytes_are_not_counted_as_remaining_too() -> None:
    route = Route(20 * MB)
    declared = {"content_length": str(20 * MB)}
    assert route.post(iter([b"x" * MB] * 20), **declared)[0] == 201
    assert route.checked == [20 * MB, 12 * MB, 4 * MB]
    assert route.received_beside == [0, 8 * MB, 16 * MB]
    other = Route(20 * MB)
    assert other.post(iter([b"x" * MB] * 20), "/gradio_api/upload", **declared)[0] == 201
    assert other.received_beside == [0, 0, 0], "the pipeline counts Gradio's folder"


@pytest.mark.parametrize(("sent", "status"), [(0, 201), (5, 413)])
def test_bytes_of_other_uploads_count_and_their_declared_lengths_do_not(
    sent: int, status: int
) -> None:
    route = Route(10 * MB)

    async def ask_beside() -> list[int]:
        here, go_on = asyncio.Event(), asyncio.Event()

        async def waits(scope: Any, receive: Any, send: Any) -> None:
            for _ in range(sent):
                await receive()
            here.set()
            await go_on.wait()
            await route.route(scope, receive, send)

        inner, route.app.app = route.app.app, waits
        slow = asyncio.create_task(route.ask(iter([b"x" * MB] * sent), content_length=str(10 * MB)))
        await here.wait()
        route.app.app = inner
        beside, _ = await route.ask(iter([b"x"]), content_length=str(6 * MB))
        go_on.set()
        route.complete = False
        await slow
        route.complete = False
        after, _ = await route.ask(iter([b"x"]), content_length=str(6 * MB))
        return [beside, after]

    assert run_async(ask_beside()) == [status, 201]


def test_other_routes_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    route = Route(0)
    assert route.post(iter([b"x"]), "/api/jobs", content_length="1")[0] == 201
    assert route.checked == []

"""An upload without room is refused by what it declares, or while it comes, whichever route would take it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kling_pipeline.errors import StorageError
from tests.conftest import run_async
from ui.middleware.upload_quota import Room

MB = 1024 * 1024
FULL = StorageError("full", code="quota_exceeded")


class Studio:
    """A pipeline with so much room, and the route behind the door: what it got, and whether it read to the end."""

    def __init__(self, room: int) -> None:
        self.room, self.asked, self.got, self.whole, self.gone = room, [], 0, False, False
        self.come: list[int] = []
        self.app = Room(self.route, self)  # type: ignore[arg-type]

    def check_room(self, owner: str, coming: int, *, come: int) -> None:
        self.asked.append(coming)
        self.come.append(come)
        if coming + come > self.room:
            raise FULL

    async def route(self, scope: Any, receive: Any, send: Any) -> None:
        while not self.whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                # As a router does that catches what its route raises.
                await send({"type": "http.response.start", "status": 500, "headers": []})
                raise RuntimeError("the client has gone")
            self.got += len(message["body"])
            self.whole = not message.get("more_body")
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"kept"})

    def post(self, chunks: Iterator[bytes], path: str = "/api/uploads", **headers: str) -> Any:
        """Status, and the body: the error of a refusal as an object."""
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
def test_a_declared_length_without_room_is_refused_before_a_byte_is_taken(path: str) -> None:
    studio = Studio(10 * MB)
    status, error = studio.post(iter([b"x" * MB] * 3), path, content_length=str(11 * MB))
    assert (status, error["code"], studio.got) == (413, "quota_exceeded", 0)
    status, _ = studio.post(iter([b"x" * MB] * 3), path, content_length=str(9 * MB))
    assert (status, studio.got) == (201, 3 * MB)


@pytest.mark.parametrize("headers", [{}, {"content_length": "5"}, {"content_length": "x"}])
def test_what_was_not_declared_is_refused_while_it_comes(headers: dict[str, str]) -> None:
    """The route hears that its client has gone, and nothing of what it makes of that is sent."""
    studio = Studio(20 * MB)
    status, error = studio.post(iter([b"x" * MB] * 500), **headers)
    assert (status, error["code"]) == (413, "quota_exceeded")
    assert studio.gone
    assert studio.got <= 32 * MB


def test_what_has_come_is_not_counted_as_coming_too() -> None:
    studio = Studio(20 * MB)
    declared = {"content_length": str(20 * MB)}
    assert studio.post(iter([b"x" * MB] * 20), **declared)[0] == 201
    assert studio.asked == [20 * MB, 12 * MB, 4 * MB]
    assert studio.come == [0, 8 * MB, 16 * MB]
    other = Studio(20 * MB)
    assert other.post(iter([b"x" * MB] * 20), "/gradio_api/upload", **declared)[0] == 201
    assert other.come == [0, 0, 0], "Gradio's folder is counted where it lies"


@pytest.mark.parametrize(("sent", "status"), [(0, 201), (5, 413)])
def test_what_others_have_sent_takes_room_and_what_they_announce_does_not(
    sent: int, status: int
) -> None:
    studio = Studio(10 * MB)

    async def ask_beside() -> list[int]:
        here, go_on = asyncio.Event(), asyncio.Event()

        async def waits(scope: Any, receive: Any, send: Any) -> None:
            for _ in range(sent):
                await receive()
            here.set()
            await go_on.wait()
            await studio.route(scope, receive, send)

        route, studio.app.app = studio.app.app, waits
        slow = asyncio.create_task(
            studio.ask(iter([b"x" * MB] * sent), content_length=str(10 * MB))
        )
        await here.wait()
        studio.app.app = route
        beside, _ = await studio.ask(iter([b"x"]), content_length=str(6 * MB))
        go_on.set()
        studio.whole = False
        await slow
        studio.whole = False
        after, _ = await studio.ask(iter([b"x"]), content_length=str(6 * MB))
        return [beside, after]

    assert run_async(ask_beside()) == [status, 201]


def test_other_routes_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(0)
    assert studio.post(iter([b"x"]), "/api/jobs", content_length="1")[0] == 201
    assert studio.asked == []

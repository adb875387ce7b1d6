"""Whatever is sent, the response has the envelope and the next request is served."""

from __future__ import annotations

import base64
import errno
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.photo import open_photo
from kling_pipeline.simulator.render.renderer import Renderer
from kling_pipeline.simulator.service import Service
from kling_pipeline.simulator.tasks.task import Task
from tests.unit.samples import chunk, png
from tests.unit.simulator_client import SimulatorClient, error_of, image_base64

IMAGE = image_base64()
T2V = "/v1/videos/text2video"
I2V = "/v1/videos/image2video"
SECRET = "/srv/secret/a.mp4"
JSON = {"content-type": "application/json"}
BOAT: dict[str, Any] = {"model_name": "kling-v3", "prompt": "a boat"}


@pytest.fixture(scope="module")
def kling() -> Iterator[SimulatorClient]:
    with SimulatorClient(slots={"video": 10_000}) as client:
        # What no handler caught would be raised here; a client of a real server sees the response.
        client.http._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
        yield client


NO_URLS = ["http://[", "https://[::1", "http://127.0.0.1:99999/", "http://", "http://127.0.0.1/\0"]


@pytest.mark.parametrize("url", NO_URLS)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (I2V, {"model_name": "kling-v3", "image": ...}),
        ("/v1/videos/identify-face", {"video_url": ...}),
        ("/v1/videos/multi-image2video", {"prompt": "a", "image_list": [{"image": ...}]}),
        ("/v1/videos/effects", {"effect_scene": "pet_lion_pro", "input": {"image": ...}}),
        ("/v1/videos/avatar/image2video", {"image": IMAGE, "sound_file": ...}),
        ("/image-to-video/kling-3.0", {"contents": [{"type": "first_frame", "url": ...}]}),
    ],
)
def test_an_invalid_url_is_rejected(
    kling: SimulatorClient, path: str, body: dict[str, Any], url: str
) -> None:
    text = json.dumps(body, default=lambda _: url)
    kling.rejected(path, json.loads(text), "is not a valid URL")


@pytest.mark.parametrize("kind", [["x"], {}, {"a": 1}, [], 5, None, True])
@pytest.mark.parametrize(
    "path", ["/image-to-video/kling-3.0", "/omni-video/kling-o1", "/motion-control/kling-3.0"]
)
def test_the_type_of_contents_must_be_a_string(
    kling: SimulatorClient, path: str, kind: Any
) -> None:
    kling.rejected(path, {"contents": [{"type": kind, "url": IMAGE}]}, "contents[0].type value")


@pytest.mark.parametrize(
    "body",
    [
        {"filters": 1},
        {"filters": True},
        {"filters": {"key": "status"}},
        *(
            {"filters": [{"key": "status", "values": values}]}
            for values in (None, 5, True, "failed", [None], [5], 10**30)
        ),
        {"filters": [{"key": ["status"], "values": []}]},
        {"start_time": 10**30},
        {"end_time": "9" * 4400},
        {"limit": "9" * 4400},
    ],
)
def test_malformed_filters_and_numbers_are_rejected(
    kling: SimulatorClient, body: dict[str, Any]
) -> None:
    kling.rejected("/tasks", body)


def test_a_page_number_of_five_thousand_digits_is_rejected(kling: SimulatorClient) -> None:
    assert error_of(kling.get(f"{T2V}?pageNum={'9' * 5000}"))[:2] == (400, 1201)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (T2V, BOAT | {"prompt": "a \ud83d"}),
        (T2V, BOAT | {"mode": "\ud83d"}),
        (T2V, BOAT | {"external_task_id": "\udc00"}),
        (T2V, BOAT | {"\ud83d": 1}),
        (T2V, BOAT | {"multi_prompt": [{"index": 1, "prompt": "\ud83d", "duration": "5"}]}),
        ("/image-to-video/kling-3.0", {"contents": [{"type": "\ud83d", "url": IMAGE}]}),
        ("/tasks", {"cursor": "\ud83d"}),
    ],
)
def test_half_an_emoji_is_rejected(kling: SimulatorClient, path: str, body: dict[str, Any]) -> None:
    kling.rejected(path, body, "is not valid", 1200)
    kling.create(T2V, BOAT | {"prompt": "a \U0001f600"})


@pytest.mark.parametrize("depth", [150, 900, 5000, 100_000])
@pytest.mark.parametrize("name", ["series_amount", "watermark_info", "image_list"])
def test_a_deeply_nested_body_is_rejected(kling: SimulatorClient, name: str, depth: int) -> None:
    deep = f'{{"prompt": "a", "{name}": {"[" * depth}{"]" * depth}}}'
    response = kling.http.post("/v1/images/omni-image", content=deep, headers=JSON)
    assert error_of(response)[:2] == (400, 1200)


def test_an_invalid_callback_url_does_not_stop_the_task(kling: SimulatorClient) -> None:
    for url in ("http://[", "http://127.0.0.1:99999/", "no address"):
        kling.create_and_wait(T2V, BOAT | {"callback_url": url})


def test_an_unexpected_error_has_the_envelope(
    kling: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[Task]:
        raise ZeroDivisionError

    monkeypatch.setattr(Service, "list_tasks", broken)
    response = kling.get(T2V)
    assert error_of(response) == (500, 5000, "Internal server error")
    assert response.headers["content-type"] == "application/json"


def test_rendering_is_retried_while_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    render, tried = Renderer.render, list[int]()

    async def refuse_twice(self: Renderer, jobs: Any) -> None:
        tried.append(1)
        if len(tried) < 3:
            raise OSError(errno.ENOSPC, "No space left on device", SECRET)
        await render(self, jobs)

    monkeypatch.setattr(Renderer, "render", refuse_twice)
    monkeypatch.setattr("kling_pipeline.simulator.render.renderer._RETRY_SECONDS", 0)
    with SimulatorClient() as kling:
        assert kling.create_and_wait(T2V, BOAT)["task_status"] == "succeed"
    assert len(tried) == 3
    assert caplog.text.count("No space left on device") == 1


def test_a_failed_rendering_exposes_no_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(self: Renderer, jobs: Any) -> None:
        raise OSError(errno.EIO, "Input/output error", SECRET)

    monkeypatch.setattr(Renderer, "render", fail)
    with SimulatorClient() as kling:
        task = kling.create_and_wait(T2V, BOAT)
    assert task["task_status"] == "failed"
    assert "OSError" in task["task_status_msg"]
    assert "secret" not in str(task)


def test_a_png_is_drawn_whatever_stands_beside_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow refuses a file for a text that would unpack to too much, and the engine sends such files."""
    jobs = list[RenderJob]()

    async def note(self: Renderer, planned: Sequence[RenderJob]) -> None:
        jobs.extend(planned)

    monkeypatch.setattr(Renderer, "render", note)
    photo = png(320, 400, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 80_000_000, 1)))
    image = base64.b64encode(photo + b"and more").decode()
    with SimulatorClient() as kling:
        kling.create_and_wait(I2V, {"model_name": "kling-v2-6", "image": image})
    opened = open_photo(jobs[0].picture("first_frame"))
    assert opened is not None and opened.size == (320, 400)

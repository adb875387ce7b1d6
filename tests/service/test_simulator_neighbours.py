"""Addresses on this machine: callbacks that are sent, files that are fetched and measured."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from kling_pipeline.simulator import Options
from tests.conftest import wait_for
from tests.service.simulator_server import BOAT, T2V, Running, ended, running
from tests.unit.simulator_client import film, picture, sound

pytestmark = pytest.mark.service

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("simulator"), "--contract", "brief") as pair:
        yield pair


class _Neighbour(BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}  # noqa: RUF012 (the handler's class is its server's memory)
    heard: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.send_response(200 if self.path in self.files else 404)
        self.end_headers()
        self.wfile.write(self.files.get(self.path, b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def neighbour() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Neighbour) as server:
        _Neighbour.heard.clear()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_callbacks_tell_each_status_and_are_signed(tmp_path: Path, neighbour: str) -> None:
    # So fast that it is submitted and processing between two looks of whoever sends callbacks.
    with running(tmp_path, "--webhook-secret", SECRET, speed=2000) as (_, client):
        body = BOAT | {"callback_url": f"{neighbour}/hook", "external_task_id": "mine"}
        id_ = client.post(T2V, json=body).json()["data"]["task_id"]
        wait_for(lambda: len(_Neighbour.heard) >= 3, "three callbacks")
        told = [json.loads(body) for _, body in _Neighbour.heard]
        assert [one["task_status"] for one in told] == ["submitted", "processing", "succeed"]
        assert {one["task_id"] for one in told} == {id_}
        assert told[2]["task_info"]["external_task_id"] == "mine"
        assert told[2]["task_result"]["videos"][0]["url"].startswith(str(client.base_url))
        for headers, raw in _Neighbour.heard:
            Webhook(SECRET).verify(raw, headers)


def test_callbacks_of_the_new_standard_have_its_body(tmp_path: Path, neighbour: str) -> None:
    with running(tmp_path, speed=2000) as (simulator, client):
        client.headers["authorization"] = f"Bearer {Options().api_key}"
        options = {"callback_url": f"{neighbour}/hook", "external_task_id": "mine"}
        body = {"prompt": "a boat", "options": options}
        id_ = client.post("/text-to-video/kling-3.0", json=body).json()["data"]["id"]
        wait_for(lambda: len(_Neighbour.heard) >= 3, "three callbacks")
        told = [json.loads(body) for _, body in _Neighbour.heard]
    assert [one["status"] for one in told] == ["submitted", "processing", "succeeded"]
    assert {one["id"] for one in told} == {id_}
    fields = {"id", "status", "message", "create_time", "update_time", "external_id"}
    assert told[2].keys() == fields | {"outputs", "billing"}
    assert told[2]["external_id"] == "mine"
    assert (told[2]["outputs"][0]["type"], told[2]["billing"][0]["amount"]) == ("video", "3")
    assert told[2]["outputs"][0]["url"].startswith(simulator.url)


def test_what_stands_on_this_machine_is_fetched_and_measured(
    shared: Running, neighbour: str
) -> None:
    _, client = shared
    _Neighbour.files |= {
        "/short.mp4": film(1),
        "/dance.mp4": film(11, 360, 360),
        "/small.mp4": film(3, 320, 320),
        "/six.mp4": film(6),
        "/long.mp4": film(16, 720, 720, 24),
        "/noise": b"no film at all",
    }
    motion = {
        "model_name": "kling-v2-6",
        "image_url": picture(),
        "mode": "std",
        "character_orientation": "video",
    }
    path = "/v1/videos/motion-control"
    good = client.post(path, json=motion | {"video_url": f"{neighbour}/dance.mp4"}).json()
    done = ended(client, good["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(11, abs=0.1)
    assert done["final_unit_deduction"] == "5.5"
    for name, more, message in [
        ("short.mp4", {}, "duration must be between 3s and 30s"),
        ("dance.mp4", {"character_orientation": "image"}, "must not exceed 10s"),
        ("small.mp4", {}, "width and height must be between 340px and 3850px"),
        ("noise", {}, "video format is invalid"),
    ]:
        body = motion | {"video_url": f"{neighbour}/{name}"} | more
        answer = client.post(path, json=body).json()
        assert answer["code"] == 1201
        assert message in answer["message"]
    session = {"video_url": f"{neighbour}/six.mp4"}
    answer = client.post("/v1/videos/multi-elements/init-selection", json=session).json()
    assert "between 2s and 5s or between 7s and 10s" in answer["message"]
    omni = {"model_name": "kling-v3-omni", "prompt": "a", "mode": "std"}
    omni["video_list"] = [{"video_url": f"{neighbour}/long.mp4"}]
    answer = client.post("/v1/videos/omni-video", json=omni).json()
    assert "between 3s and 15.5s for the current model" in answer["message"]


def test_a_film_that_is_edited_keeps_its_length(shared: Running, neighbour: str) -> None:
    _, client = shared
    _Neighbour.files["/four.mp4"] = film(4)
    body = {
        "model_name": "kling-video-o1",
        "prompt": "a",
        "mode": "std",
        "video_list": [{"video_url": f"{neighbour}/four.mp4"}],
    }
    path = "/v1/videos/omni-video"
    done = ended(client, client.post(path, json=body).json()["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(4, abs=0.1)
    assert done["final_unit_deduction"] == "3.6"


def test_an_old_lip_sync_is_as_long_as_its_film(shared: Running, neighbour: str) -> None:
    _, client = shared
    _Neighbour.files["/four.mp4"] = film(4)
    body = {"video_url": f"{neighbour}/four.mp4", "audio_url": sound(3)}
    path = "/v1/videos/lipsync"
    done = ended(client, client.post(path, json=body).json()["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(4, abs=0.1)

"""Loopback addresses: callbacks that are posted to them, files that are fetched from them."""

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
from tests.service.simulator_server import BOAT, T2V, Running, running, wait_for_end
from tests.unit.simulator_client import image_base64, video_file, wav_base64

pytestmark = pytest.mark.service

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("simulator"), "--contract", "brief") as pair:
        yield pair


class _Listener(BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}  # noqa: RUF012 (the handler's class is its server's memory)
    received: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.send_response(200 if self.path in self.files else 404)
        self.end_headers()
        self.wfile.write(self.files.get(self.path, b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Listener) as server:
        _Listener.received.clear()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_each_status_has_a_signed_callback(tmp_path: Path, listener: str) -> None:
    # So fast that it is submitted and processing between two looks of whoever sends callbacks.
    with running(tmp_path, "--webhook-secret", SECRET, speed=2000) as (_, client):
        body = BOAT | {"callback_url": f"{listener}/hook", "external_task_id": "mine"}
        id_ = client.post(T2V, json=body).json()["data"]["task_id"]
        wait_for(lambda: len(_Listener.received) >= 3, "three callbacks")
        shown = [json.loads(body) for _, body in _Listener.received]
        assert [one["task_status"] for one in shown] == ["submitted", "processing", "succeed"]
        assert {one["task_id"] for one in shown} == {id_}
        assert shown[2]["task_info"]["external_task_id"] == "mine"
        assert shown[2]["task_result"]["videos"][0]["url"].startswith(str(client.base_url))
        for headers, raw in _Listener.received:
            Webhook(SECRET).verify(raw, headers)


def test_v2_callbacks_have_the_v2_body(tmp_path: Path, listener: str) -> None:
    with running(tmp_path, speed=2000) as (simulator, client):
        client.headers["authorization"] = f"Bearer {Options().api_key}"
        options = {"callback_url": f"{listener}/hook", "external_task_id": "mine"}
        body = {"prompt": "a boat", "options": options}
        id_ = client.post("/text-to-video/kling-3.0", json=body).json()["data"]["id"]
        wait_for(lambda: len(_Listener.received) >= 3, "three callbacks")
        shown = [json.loads(body) for _, body in _Listener.received]
    assert [one["status"] for one in shown] == ["submitted", "processing", "succeeded"]
    assert {one["id"] for one in shown} == {id_}
    fields = {"id", "status", "message", "create_time", "update_time", "external_id"}
    assert shown[2].keys() == fields | {"outputs", "billing"}
    assert shown[2]["external_id"] == "mine"
    assert (shown[2]["outputs"][0]["type"], shown[2]["billing"][0]["amount"]) == ("video", "3")
    assert shown[2]["outputs"][0]["url"].startswith(simulator.url)


def test_files_on_loopback_are_fetched_and_measured(shared: Running, listener: str) -> None:
    _, client = shared
    _Listener.files |= {
        "/short.mp4": video_file(1),
        "/dance.mp4": video_file(11, 360, 360),
        "/small.mp4": video_file(3, 320, 320),
        "/six.mp4": video_file(6),
        "/long.mp4": video_file(16, 720, 720, 24),
        "/noise": b"no film at all",
    }
    motion = {
        "model_name": "kling-v2-6",
        "image_url": image_base64(),
        "mode": "std",
        "character_orientation": "video",
    }
    path = "/v1/videos/motion-control"
    good = client.post(path, json=motion | {"video_url": f"{listener}/dance.mp4"}).json()
    done = wait_for_end(client, good["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(11, abs=0.1)
    assert done["final_unit_deduction"] == "5.5"
    for name, more, message in [
        ("short.mp4", {}, "duration must be between 3s and 30s"),
        ("dance.mp4", {"character_orientation": "image"}, "must not exceed 10s"),
        ("small.mp4", {}, "width and height must be between 340px and 3850px"),
        ("noise", {}, "video format is invalid"),
    ]:
        body = motion | {"video_url": f"{listener}/{name}"} | more
        response = client.post(path, json=body).json()
        assert response["code"] == 1201
        assert message in response["message"]
    session = {"video_url": f"{listener}/six.mp4"}
    response = client.post("/v1/videos/multi-elements/init-selection", json=session).json()
    assert "between 2s and 5s or between 7s and 10s" in response["message"]
    omni = {"model_name": "kling-v3-omni", "prompt": "a", "mode": "std"}
    omni["video_list"] = [{"video_url": f"{listener}/long.mp4"}]
    response = client.post("/v1/videos/omni-video", json=omni).json()
    assert "between 3s and 15.5s for the current model" in response["message"]


def test_an_edited_video_keeps_its_duration(shared: Running, listener: str) -> None:
    _, client = shared
    _Listener.files["/four.mp4"] = video_file(4)
    body = {
        "model_name": "kling-video-o1",
        "prompt": "a",
        "mode": "std",
        "video_list": [{"video_url": f"{listener}/four.mp4"}],
    }
    path = "/v1/videos/omni-video"
    done = wait_for_end(client, client.post(path, json=body).json()["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(4, abs=0.1)
    assert done["final_unit_deduction"] == "3.6"


def test_an_old_lip_sync_is_as_long_as_its_video(shared: Running, listener: str) -> None:
    _, client = shared
    _Listener.files["/four.mp4"] = video_file(4)
    body = {"video_url": f"{listener}/four.mp4", "audio_url": wav_base64(3)}
    path = "/v1/videos/lipsync"
    done = wait_for_end(client, client.post(path, json=body).json()["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(4, abs=0.1)

"""Files that ask for much hold up nobody else: the light routes and small uploads answer meanwhile."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.conftest import App, wait_for
from tests.pictures import picture
from tests.unit.bombs import scans

BURST = 40
pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One studio for the whole file."""
    folder = tmp_path_factory.mktemp("uploads") / "var"
    folder.mkdir()
    started = App(folder, measured=False, STUDIO_WORKERS="0").ready()
    yield started
    started.stop()


def attack(app: App, data: bytes, started: threading.Event, times: int = 1) -> set[int]:
    with httpx.Client(base_url=app.url, timeout=120, trust_env=False) as http:
        started.set()
        answers = (http.post("/api/uploads", files={"file": ("x", data)}) for _ in range(times))
        return {one.status_code for one in answers}


def test_a_burst_of_scan_bombs_silences_nobody(app: App) -> None:
    app.upload(picture())
    begun, many = threading.Event(), scans()
    # Just as many scans as pass, over as many pixels: the longest that one file can take.
    large = scans(10_000, 6_200, 90)
    with ThreadPoolExecutor(BURST + 1) as threads:
        slow = threads.submit(attack, app, large, begun, 4)
        begun.wait()
        bombs = [threads.submit(attack, app, many, begun) for _ in range(BURST)]
        assert app.http.get("/healthz").status_code == 200
        assert app.http.get("/api/jobs?since=0").status_code == 200
        assert app.upload(picture(hue=77))["width"] == 1280
        assert not slow.done(), "the attack's last request is still under way"
        assert set().union(*(one.result() for one in bombs)) <= {422, 503}
        assert slow.result() <= {201, 422}


def test_base64_bombs_are_refused_at_their_field(app: App) -> None:
    params = {"prompt": "a boat", "image": base64.b64encode(scans()).decode()}
    for route in ("/api/quote", "/api/jobs"):
        answer = app.http.post(route, json={"capability": "image_to_video", "params": params})
        assert answer.status_code == 422
        assert "scans" in answer.json()["error"]["fields"]["image"]


def test_a_phone_s_picture_is_taken_and_priced(app: App) -> None:
    asset = app.upload(scans(8160, 6120, 0))
    assert (asset["width"], asset["height"]) == (8160, 6120)
    params = {"prompt": "a boat", "image": asset["id"]}
    answer = app.http.post("/api/quote", json={"capability": "image_to_video", "params": params})
    assert answer.status_code == 200, answer.text


def test_wrapped_base64_is_priced(app: App) -> None:
    text = base64.encodebytes(picture(hue=33)).decode()
    params = {"prompt": "a boat", "image": text}
    answer = app.http.post("/api/quote", json={"capability": "image_to_video", "params": params})
    assert answer.status_code == 200, answer.text


def test_a_killed_decoder_is_replaced(app: App) -> None:
    app.upload(picture(hue=44))

    def decoders() -> list[int]:
        tasks = Path(f"/proc/{app.popen.pid}/task").glob("*/children")
        children = {int(pid) for one in tasks for pid in one.read_text().split()}
        return [
            pid
            for pid in children
            if b"kling_pipeline.decoder" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    for pid in wait_for(decoders, "a decoder"):
        os.kill(pid, 9)
    assert app.upload(picture(hue=55))["width"] == 1280

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
    started = App(folder, STUDIO_WORKERS="0").ready()
    yield started
    started.stop()


def post(http: httpx.Client, data: bytes) -> int:
    return http.post("/api/uploads", files={"file": ("x", data)}).status_code


def attack(app: App, data: bytes, ended: threading.Event) -> set[int]:
    """Sends a file again and again, at least once, until the end; what came of it."""
    told: set[int] = set()
    with httpx.Client(base_url=app.url, timeout=120, trust_env=False) as http:
        while not told or not ended.is_set():
            told.add(post(http, data))
    return told


def test_a_burst_of_scan_bombs_silences_nobody(app: App) -> None:
    app.upload(picture())
    once, answered = threading.Event(), threading.Event()
    once.set()
    # Just as many scans as pass, over as many pixels: the longest that one file can take.
    large = scans(10_000, 6_200, 90)
    with ThreadPoolExecutor(BURST + 2) as threads:
        attacks = [threads.submit(attack, app, large, answered) for _ in range(2)]
        attacks += [threads.submit(attack, app, scans(), once) for _ in range(BURST)]
        try:
            assert app.http.get("/healthz").status_code == 200
            assert app.http.get("/api/jobs?since=0").status_code == 200
            # In a crowd one may be told to come again.
            honest = picture(hue=77)
            wait_for(lambda: post(app.http, honest) == 201, "an honest upload")
            assert app.http.get("/healthz").status_code == 200
        finally:
            answered.set()
        assert set().union(*(one.result() for one in attacks)) <= {201, 422, 503}


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
            if b"kling_pipeline.media.decoder_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    for pid in wait_for(decoders, "a decoder"):
        os.kill(pid, 9)
    assert app.upload(picture(hue=55))["width"] == 1280

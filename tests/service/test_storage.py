"""A studio with little room over HTTP: what it refuses, what it counts, and what a killed one leaves."""

from __future__ import annotations

import base64
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import App, wait_for
from tests.pictures import picture

pytestmark = pytest.mark.service
MB = 1024 * 1024


def padded(size: int, hue: int = 20) -> bytes:
    data = picture(400, 300, hue=hue)
    return data + bytes(size - len(data))


def files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()] if folder.exists() else []


def test_a_studio_with_little_room_says_so_with_figures_and_the_next_one_clears_up(
    start_app: Callable[..., App],
) -> None:
    app = start_app(STUDIO_QUOTA_MB="3")
    first = app.upload(padded(2 * MB))
    body = {"file": ("x", padded(2 * MB, 60))}
    junk = {"files": ("x.bin", bytes(2 * MB))}
    raw = base64.b64encode(padded(2 * MB, 90)).decode()
    order = {"capability": "image_to_video", "params": {"prompt": "in", "image": raw}}
    for answer in (
        app.http.post("/api/uploads", files=body),
        app.http.post("/gradio_api/upload", files=junk),
        app.http.post("/api/jobs", json=order),
    ):
        assert answer.status_code == 413, answer.text
        error = answer.json()["error"]
        assert error["code"] == "quota_exceeded"
        assert "2.0 MB of 3.0 MB" in error["message"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert app.credits()["held"] == 0
    # What Gradio's own fields receive lies in the data folder, is shown again, and is gone after a start.
    small = app.http.post("/gradio_api/upload", files={"files": ("a.png", picture(400, 300))})
    [path] = small.json()
    assert Path(path).is_relative_to(app.folder / "gradio")
    assert app.http.get(f"/gradio_api/file={path}").content == picture(400, 300)
    for private in (app.folder / "studio.db", *files(app.folder / "assets")):
        assert app.http.get(f"/gradio_api/file={private}").status_code == 403
    click = {"capability": "text_to_video", "params": {"prompt": "a boat"}, "click_id": "c"}
    made = app.http.post("/api/jobs", json=click).json()["jobs"]
    other = app.http.post("/api/jobs", json={**click, "params": {"prompt": "rain"}})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "click_conflict")
    app.wait_state(made[0]["id"], "done")
    dead = kill_with_uploads_in_hand(app)
    left = files(app.folder / "gradio")
    young = app.folder / "gradio" / "of-another-process.bin"
    young.write_bytes(b"half")
    for one in left:
        os.utime(one, (1, 1))
    app = start_app(STUDIO_DISK_FLOOR_MB="900000000", ready=False)
    wait_for(lambda: listens(app), "the page")
    health = app.http.get("/healthz")
    assert (health.status_code, health.json()["error"]["code"]) == (503, "disk_full")
    again = app.http.post("/api/jobs", json=click)
    assert (again.status_code, again.json()["jobs"][0]["id"]) == (200, made[0]["id"])
    for answer in (
        app.http.post("/api/jobs", json={**click, "click_id": "d"}),
        app.http.post("/api/uploads", files=body),
        app.http.post("/gradio_api/upload", files=junk),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
    assert app.credits()["spent"] == made[0]["price"]
    assert app.http.get(f"/media/{first['id']}").status_code == 200
    wait_for(lambda: not dead.exists(), "the parts of the dead to go")
    assert left
    assert files(app.folder / "gradio") == [young]
    assert_readers_are_given_back(app)


def listens(app: App) -> bool:
    try:
        return app.http.get("/api/credits").status_code == 200
    except httpx.HTTPError:
        return False


def kill_with_uploads_in_hand(app: App) -> Path:
    """Two uploads are coming when the process is killed; the folder of its part files."""
    stop = threading.Event()

    def slowly() -> Iterator[bytes]:
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'
        yield head + bytes(1000)
        while not stop.wait(0.05):
            yield bytes(1000)

    def send(path: str) -> None:
        kind = {"content-type": "multipart/form-data; boundary=x"}
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(f"{app.url}{path}", content=slowly(), headers=kind, trust_env=False)

    before = len(files(app.folder / "gradio"))
    paths = ("/gradio_api/upload", "/api/uploads")
    threads = [threading.Thread(target=send, args=(path,)) for path in paths]
    for one in threads:
        one.start()
    wait_for(lambda: len(files(app.folder / "gradio")) > before, "a part of Gradio's")
    [process] = (app.folder / "assets" / "incoming").iterdir()
    (process / "half").write_bytes(b"half")
    app.kill()
    stop.set()
    for one in threads:
        one.join()
    return process


def assert_readers_are_given_back(app: App) -> None:
    open_files = Path(f"/proc/{app.popen.pid}/fd")
    before = len(list(open_files.iterdir()))

    def look() -> None:
        with httpx.Client(trust_env=False) as http:
            for path in ("/api/jobs?since=0", "/api/credits") * 3:
                assert http.get(f"{app.url}{path}").status_code == 200

    crowd = [threading.Thread(target=look) for _ in range(40)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    # A closed connection's own descriptor goes a moment later.
    wait_for(lambda: len(list(open_files.iterdir())) <= before + 12, "the readers to be given back")

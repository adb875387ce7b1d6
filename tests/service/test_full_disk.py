"""A disk that is full to the brim: every write says so in one shape, and all goes on when there is room again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import App, wait_for
from tests.pictures import noise, picture
from tests.service.disks import Disk, small_disk

pytestmark = pytest.mark.service
T2V = {"capability": "text_to_video", "params": {"prompt": "a paper boat"}}


def writes(app: App) -> list[tuple[str, Any]]:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="%b"; filename="a.png"\r\n\r\n'
    big = noise(600, 600)
    tries = [
        ("/api/jobs", {"json": T2V}),
        ("/api/uploads", {"files": {"file": big}}),
        ("/gradio_api/upload", {"content": part % b"files" + big + b"\r\n--x--", "headers": kind}),
    ]
    return [(path, app.http.post(path, **asked)) for path, asked in tries]


def test_every_write_says_that_the_disk_is_full_and_goes_on_when_it_is_not(tmp_path: Path) -> None:
    with small_disk(tmp_path) as small:
        check_writes(small)


def check_writes(small: Disk) -> None:
    (small.folder / "var").mkdir()
    app = App(small.folder / "var", STUDIO_TIME_SCALE="20").ready()
    try:
        app.upload(picture(400, 300))
        before = app.credits()
        small.fill(app)
        health = wait_for(
            lambda: (one := app.http.get("/healthz")).status_code == 503 and one,
            "the health to say so",
        )
        assert "content-security-policy" in health.headers
        for path, answer in writes(app):
            assert answer.status_code == 507, (path, answer.status_code, answer.text)
            assert set(answer.json()["error"]) >= {"code", "message", "fields"}, path
            assert answer.json()["error"]["code"] in small.codes
            assert "content-security-policy" in answer.headers
            assert str(small.folder) not in answer.text
        assert app.http.get("/api/jobs?since=0").json()["jobs"] == []
        assert app.credits() == before
        small.clear(app)
        wait_for(
            lambda: app.http.get("/healthz").status_code == 200, "the health, without a restart"
        )
        (job,) = app.submit("text_to_video", T2V["params"])
        assert app.wait_state(job["id"], "done", "failed")["state"] == "done"
    finally:
        app.stop()

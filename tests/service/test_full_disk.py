"""A disk that is full to the brim: every write says so in one shape, and all goes on when there is room again."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import App, wait_for
from tests.pictures import noise, picture
from tests.service.test_two_workers import fill

pytestmark = pytest.mark.service
T2V = {"capability": "text_to_video", "params": {"prompt": "a paper boat"}}


class Disk:
    """A file system of its own with room for little."""

    codes = frozenset({"disk_full"})

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, app: App) -> None:
        fill(self.folder / "ballast")

    def clear(self, app: App) -> None:
        (self.folder / "ballast").unlink()


class Limit(Disk):
    """Where nothing may be mounted: no file of the studio may grow."""

    # SQLite tells this refusal like a fault of the disk.
    codes = frozenset({"disk_full", "disk_unwritable"})

    def fill(self, app: App) -> None:
        _, hard = resource.prlimit(app.popen.pid, resource.RLIMIT_FSIZE)
        self.before = resource.prlimit(app.popen.pid, resource.RLIMIT_FSIZE, (0, hard))

    def clear(self, app: App) -> None:
        resource.prlimit(app.popen.pid, resource.RLIMIT_FSIZE, self.before)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.system(f"mount -t tmpfs -o size=24m studio-test {folder} 2>/dev/null") != 0:
        yield Limit(folder)
        return
    yield Disk(folder)
    os.system(f"umount -l {folder}")


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


def test_every_write_says_that_the_disk_is_full_and_goes_on_when_it_is_not(small: Disk) -> None:
    (small.folder / "var").mkdir()
    app = App(small.folder / "var", measured=False, STUDIO_TIME_SCALE="20").ready()
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

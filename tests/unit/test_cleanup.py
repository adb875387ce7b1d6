"""What a dead process had in hand goes at the next start; what a living one holds, or a row names, stays."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kling_pipeline.jobs import uploads
from kling_pipeline.jobs.cleanup import clean_incoming
from tests.pictures import picture
from tests.unit.conftest import Harness
from tests.unit.test_recover import DEAD, ELSEWHERE, HOST, Killed, another, held_by, to_saving

HOUR, DAY = 3600.0, 86_400.0


def put(path: Path, age: float = 0) -> Path:
    """A file last written so many seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age,) * 2)
    return path


def parts(harness: Harness) -> list[Path]:
    return [one for one in (harness.engine.assets / "incoming").rglob("*") if one.is_file()]


@pytest.mark.parametrize("place", ["part", "stored", "posters"])
def test_an_upload_that_dies_half_way_leaves_nothing_after_the_next_start(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    doomed = another(harness, DEAD)

    def dies(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        # As `kill -9` does, no clean-up runs.
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        patch.setattr(uploads, "store_file" if place == "part" else "_insert", dies)
        doomed.upload(Harness.owner, picture())
    left = [one for one in harness.engine.assets.rglob("*") if one.is_file()]
    assert left
    if place != "part":
        if place == "posters":
            put(left[0].with_name(f".{left[0].stem}.poster.jpg.part"))
        for one in left[0].parent.iterdir():
            os.utime(one, (time.time() - 2 * DAY,) * 2)
    harness.pipeline.resume()
    assert [one for one in harness.engine.assets.rglob("*") if one.is_file()] == []


def test_part_files_belong_to_the_process_that_writes_them(harness: Harness) -> None:
    incoming = harness.engine.assets / "incoming"
    gone = put(incoming / quote(DEAD, safe="") / "a")
    job = put(incoming / quote(f"{HOST}|999999999|5|x", safe="") / f"{'0' * 32}.3" / "0")
    mine = put(harness.engine.incoming / "b", 2 * HOUR)
    forgotten = put(harness.engine.incoming / "c", 2 * DAY)
    brother = put(harness.make_engine().incoming / "d")
    far = put(incoming / quote(ELSEWHERE, safe="") / "e", HOUR)
    far_old = put(incoming / quote(ELSEWHERE, safe="") / "f", 2 * DAY)
    harness.pipeline.resume()
    assert [one.exists() for one in (mine, brother, far)] == [True] * 3
    assert [one.exists() for one in (gone, gone.parent, job, forgotten, far_old)] == [False] * 5


def test_its_own_folder_stays_however_long_nothing_came(harness: Harness) -> None:
    """Between the folder and the file that is put into it there is a moment."""
    folder, old = harness.engine.incoming, time.time() - 3 * DAY
    left = put(folder / "a", 3 * DAY)
    harness.pipeline.resume()
    assert (folder.exists(), left.exists()) == (True, False)
    os.utime(folder, (old, old))
    harness.pipeline.resume()
    assert folder.exists()


def test_part_files_of_an_older_release_are_swept(harness: Harness) -> None:
    job_id = to_saving(harness)
    held_by(harness, job_id, ELSEWHERE)
    incoming = harness.engine.assets / "incoming"
    held = put(incoming / f"{job_id}.7" / "0")
    left = put(incoming / f"{'0' * 32}.3" / "0")
    young, old = put(incoming / "0123456789abcdef"), put(incoming / "fedcba9876543210", 2 * HOUR)
    beside = put(harness.folder / "tmpab12cd_3", 2 * DAY), put(harness.folder / ".port-x", 2 * DAY)
    lent = harness.folder / "simulator.db.files"
    ended = put(lent / "input-1.mp4", 40 * DAY), put(lent / ".input-2", 2 * DAY)
    stays = put(lent / "input-3.mp4", 2 * DAY), put(lent / "result.mp4", 90 * DAY)
    harness.pipeline.resume()
    assert [one.exists() for one in (held, young, *stays)] == [True] * 4
    assert [one.exists() for one in (left, old, *beside, *ended)] == [False] * 6
    harness.ticks(3, 20)
    assert harness.job(job_id)["state"] == "done"
    harness.pipeline.resume()
    assert not held.exists()


def test_the_folder_of_a_job_that_is_claimed_meanwhile_is_not_swept(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (harness.engine.assets / "incoming").mkdir(parents=True)
    read, folder = harness.store.read, harness.engine.assets / "incoming" / f"{'0' * 32}.3"

    @contextmanager
    def claimed_afterwards():
        with read() as db:
            yield db
        folder.mkdir()

    monkeypatch.setattr(harness.store, "read", claimed_afterwards)
    clean_incoming(harness.engine)
    assert folder.is_dir()


def test_saving_leaves_nothing_behind(harness: Harness) -> None:
    job_id = to_saving(harness)
    harness.ticks(2)
    assert harness.job(job_id)["state"] == "done"
    assert parts(harness) == []


def test_a_result_whose_file_is_swept_before_its_row_is_fetched_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = to_saving(harness)

    def swept(name: str) -> None:
        if name == "stored":
            [file] = harness.engine.assets.glob("??/*.mp4")
            file.unlink()

    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.save.failpoint", swept)
        harness.tick()
    assert harness.job(job_id)["state"] == "saving"
    harness.ticks(3, 10)
    job = harness.job(job_id)
    assert job["state"] == "done"
    assert harness.pipeline.asset(Harness.owner, job["assets"][0]["id"])["file"].exists()


def test_content_without_a_row_goes_after_a_day_and_all_is_looked_at_once_an_hour(
    harness: Harness,
) -> None:
    job_id = to_saving(harness)
    harness.ticks(2)
    [result] = harness.job(job_id)["assets"]
    kept = harness.pipeline.asset(Harness.owner, result["id"])
    for file in (kept["file"], kept["poster_file"]):
        os.utime(file, (time.time() - 90 * DAY,) * 2)
    home = harness.engine.assets / "ab"
    young = put(home / f"ab{'0' * 62}.png", HOUR)
    harness.pipeline.resume()
    later = put(home / f"ab{'1' * 62}.png", 2 * DAY)
    harness.pipeline.resume()
    assert later.exists(), "looked at a moment ago"
    harness.time += HOUR
    harness.pipeline.resume()
    assert (young.exists(), later.exists()) == (True, False)
    assert kept["file"].exists() and kept["poster_file"].exists()


def test_what_gradio_received_goes_after_an_hour(harness: Harness) -> None:
    old = put(harness.engine.cache / "sha" / "clip.mp4", 2 * HOUR)
    junk = put(harness.engine.cache / "tmpjunk", 2 * HOUR)
    new = put(harness.engine.cache / "other" / "clip.mp4")
    harness.pipeline.resume()
    assert [one.exists() for one in (old, junk, new)] == [False, False, True]


def test_a_session_goes_a_month_after_its_end(harness: Harness) -> None:
    """Its answers hold masks and faces, and nobody can go on with it."""
    harness.add_session("multi_elements", {"init-selection": {"session_id": "1"}})

    def kept() -> int:
        harness.pipeline.resume()
        with harness.store.read() as db:
            return int(db.execute("SELECT count(*) FROM session").fetchone()[0])

    harness.time += 29 * DAY
    assert kept() == 1
    harness.time += 4 * DAY
    assert kept() == 0

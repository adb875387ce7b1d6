"""Uploads have room or are refused before a byte is written; unused ones go after a week, and nothing in use does."""

from __future__ import annotations

import base64
import importlib
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.doctor import examine
from kling_pipeline.errors import BusyError, NotFound, StorageError, StudioError
from kling_pipeline.jobs import uploads
from kling_pipeline.jobs.uploads import UNUSED_DAYS, keep_upload
from kling_pipeline.storage.store import Store
from tests.pictures import picture
from tests.unit.conftest import Harness

OWNER = Harness.owner
DAY = 86_400
MB = 1024 * 1024


def sized(megabytes: float, seed: int = 0) -> bytes:
    """A whole picture of about so many bytes: what follows its end is not looked at."""
    data = picture(400, 300, hue=seed)
    return data + bytes(int(megabytes * MB) - len(data))


def upload(harness: Harness, data: bytes, **more: Any) -> str:
    return str(keep_upload(harness.engine, OWNER, data, **more)["id"])


def there(harness: Harness, asset: str) -> bool:
    try:
        return bool(harness.pipeline.asset(OWNER, asset)["file"].exists())
    except NotFound:
        return False


def files(harness: Harness) -> list[Path]:
    return [one for one in harness.engine.assets.rglob("*") if one.is_file()]


def days(harness: Harness, count: float) -> None:
    harness.time += count * DAY
    harness.pipeline.resume()


def test_an_upload_over_the_quota_is_refused_with_its_figures_and_leaves_nothing(
    harness: Harness, monkeypatch: Any
) -> None:
    harness.configure(studio_quota_mb=5)
    first = upload(harness, sized(2))
    upload(harness, sized(2, 60))
    before = files(harness)
    monkeypatch.setattr(
        "kling_pipeline.jobs.uploads._store", lambda *_: pytest.fail("it was written")
    )
    with pytest.raises(StorageError) as caught:
        upload(harness, sized(2, 120))
    assert caught.value.code == "quota_exceeded"
    assert "4.0 MB of 5.0 MB, and this one has 2.0 MB" in caught.value.message
    assert "STUDIO_QUOTA_MB" in caught.value.next
    assert files(harness) == before
    assert upload(harness, sized(2)) == first, "what is there takes no more room"
    monkeypatch.undo()
    assert there(harness, str(keep_upload(harness.engine, "ann", sized(2, 120))["id"])) is False
    assert upload(harness, sized(2, 120), paid=True), "what was paid for is kept"
    harness.configure(studio_quota_mb=0)
    assert upload(harness, sized(3, 200))


def test_raw_base64_and_the_command_line_have_the_same_quota(harness: Harness) -> None:
    harness.configure(studio_quota_mb=1)
    raw = base64.b64encode(sized(2)).decode()
    with pytest.raises(StorageError, match=r"of 1\.0 MB"):
        harness.pipeline.submit(OWNER, "image_to_video", {"prompt": "in", "image": raw})
    with pytest.raises(StorageError, match=r"of 1\.0 MB"):
        harness.pipeline.quote(OWNER, "image_to_video", {"prompt": "in", "image": raw})
    assert files(harness) == []
    assert harness.credits()[1] == 0


def test_what_gradio_holds_is_counted_while_bytes_come(harness: Harness) -> None:
    harness.configure(studio_quota_mb=5)
    harness.pipeline.check_space(OWNER, 5 * MB)
    (harness.engine.cache / "a").mkdir(parents=True)
    (harness.engine.cache / "a" / "junk.bin").write_bytes(bytes(3 * MB))
    harness.pipeline.check_space(OWNER, 2 * MB)
    with pytest.raises(StorageError, match=r"3\.0 MB of 5\.0 MB"):
        harness.pipeline.check_space(OWNER, 2 * MB + 1)
    harness.pipeline.check_space(OWNER, MB, arrived=MB)
    with pytest.raises(StorageError, match=r"4\.0 MB of 5\.0 MB, and this one has 1\.5 MB"):
        harness.pipeline.check_space(OWNER, 3 * MB // 2, arrived=MB)


def test_many_files_of_a_byte_are_not_for_nothing(harness: Harness) -> None:
    harness.configure(studio_quota_mb=1)
    harness.engine.cache.mkdir()
    for number in range(64):
        (harness.engine.cache / str(number)).write_bytes(b"x")
    with pytest.raises(StorageError) as caught:
        harness.pipeline.check_space(OWNER, 1)
    assert caught.value.code == "quota_exceeded"
    for number in range(32):
        (harness.engine.cache / str(number)).unlink()
        keep_upload(harness.engine, OWNER, picture(300 + number, 300))
    with pytest.raises(StorageError):
        harness.pipeline.check_space(OWNER, 1)


def test_the_disk_counts_for_itself_what_has_come(harness: Harness, monkeypatch: Any) -> None:
    disk = type("disk", (), {"total": 10**12, "free": 600 * MB})
    monkeypatch.setattr("kling_pipeline.storage.disk.shutil.disk_usage", lambda folder: disk)
    harness.configure(studio_disk_floor_mb=500, studio_quota_mb=0)
    harness.pipeline.check_space(OWNER, 100 * MB, arrived=10**12)


def test_below_the_floor_no_upload_and_no_paid_call_begins_but_a_result_is_kept(
    harness: Harness,
) -> None:
    (job_id,) = harness.submit()
    harness.tick()
    harness.kling.finish()
    harness.configure(studio_disk_floor_mb=10**9)
    for work in (
        lambda: upload(harness, sized(1)),
        lambda: harness.submit(),
        lambda: harness.pipeline.open_session(OWNER, "lip_sync", {}),
        lambda: harness.pipeline.call_session(OWNER, "x", "y", {}),
        lambda: harness.pipeline.check(),
    ):
        with pytest.raises(StorageError, match="stay free for results") as caught:
            work()
        assert caught.value.code == "disk_full"
    harness.ticks(3, 10)
    assert harness.job(job_id)["state"] == "done"


def test_an_upload_that_nothing_uses_goes_after_a_week_with_its_file(harness: Harness) -> None:
    asset = upload(harness, picture())
    days(harness, UNUSED_DAYS - 0.1)
    assert there(harness, asset)
    days(harness, 0.2)
    assert not there(harness, asset)
    assert files(harness) == []
    with pytest.raises(NotFound):
        harness.pipeline.asset(OWNER, asset)


def test_what_a_job_a_session_or_a_form_refers_to_stays(harness: Harness) -> None:
    one, two, three, four, five = (upload(harness, picture(400, 300, hue=n * 30)) for n in range(5))
    harness.pipeline.submit(OWNER, "image_to_video", {"prompt": "in", "image": one})
    harness.pipeline.submit(OWNER, "omni_image", {"prompt": "x", "image_list": [two]})
    until = harness.engine.now() + 9 * DAY * 1000

    def begin(db: Any) -> None:
        row = ["s", OWNER, "lip_sync", "{}", "{}", f'{{"faces": [{{"asset": "{three}"}}]}}', 1, 1]
        db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*row, until])

    harness.store.write(begin)
    for _ in range(3):
        days(harness, 4)
        harness.pipeline.quote(OWNER, "image_to_video", {"prompt": "in", "image": four})
        assert [there(harness, one) for one in (one, two, four)] == [True] * 3
    assert there(harness, three), "its week began anew while its session was open"
    assert not there(harness, five)
    days(harness, 8)
    assert [there(harness, one) for one in (one, two, three, four)] == [True, True, False, False]


def test_a_use_is_written_at_most_once_a_day(harness: Harness, monkeypatch: Any) -> None:
    asset = upload(harness, picture())
    harness.time += 2 * DAY
    writes: list[Any] = []
    write = Store.write
    monkeypatch.setattr(Store, "write", lambda *given: writes.append(1) or write(*given))
    params = {"prompt": "in", "image": asset}
    for _ in range(5):
        harness.pipeline.quote(OWNER, "image_to_video", params)
    assert len(writes) == 1


@pytest.mark.parametrize(
    "error", [StorageError("full"), BusyError("locked")], ids=["full", "locked"]
)
def test_a_price_is_told_though_nothing_can_be_written(
    harness: Harness, monkeypatch: Any, error: StudioError
) -> None:
    asset = upload(harness, picture())
    harness.time += 2 * DAY

    def full(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Store, "write", full)
    assert harness.pipeline.quote(OWNER, "image_to_video", {"prompt": "in", "image": asset}).price


def test_content_that_another_row_has_outlives_the_upload(harness: Harness) -> None:
    """Another owner's upload, and a result of the same bytes."""
    asset = upload(harness, picture())
    harness.time += 4 * DAY
    keep_upload(harness.engine, "ann", picture())
    days(harness, 4)
    assert not there(harness, asset)
    assert len(files(harness)) == 1
    days(harness, 4)
    assert files(harness) == []
    assert examine(harness.engine, ask_kling=False)["problems"] == []


@pytest.mark.parametrize("moment", ["jobs.uploads._referenced", "jobs.cleanup.expire_uploads"])
def test_a_file_that_comes_again_while_its_old_copy_goes_is_kept(
    harness: Harness, monkeypatch: Any, moment: str
) -> None:
    """Before its row is deleted, and between its row and its content: no row is ever without its file."""
    upload(harness, picture())
    harness.time += (UNUSED_DAYS + 1) * DAY
    module, _, function = moment.rpartition(".")
    step = vars(importlib.import_module(f"kling_pipeline.{module}"))[function]
    came: list[str] = []

    def then(*given: Any) -> Any:
        found = step(*given)
        came.append(upload(harness, picture()))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(f"kling_pipeline.{moment}", then)
        harness.pipeline.resume()
    assert [there(harness, asset) for asset in came] == [True]
    assert examine(harness.engine, ask_kling=False)["problems"] == []


def test_a_file_swept_between_its_content_and_its_row_is_stored_again(
    harness: Harness, monkeypatch: Any
) -> None:
    store, times = uploads._store, []

    def swept(engine: Any, data: Any, facts: Any) -> None:
        store(engine, data, facts)
        times.append(1)
        if len(times) == 1:
            for file in files(harness):
                file.unlink()

    monkeypatch.setattr(uploads, "_store", swept)
    assert there(harness, upload(harness, picture()))
    assert len(times) == 2


def test_a_lost_file_comes_back_with_the_same_upload(harness: Harness) -> None:
    asset = upload(harness, picture())
    harness.pipeline.asset(OWNER, asset)["file"].unlink()
    assert upload(harness, picture()) == asset
    assert there(harness, asset)


def test_a_full_disk_is_named_and_leaves_no_part(harness: Harness, monkeypatch: Any) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kling_pipeline.jobs.uploads.store_file", full)
    with pytest.raises(StorageError, match="disk is full") as caught:
        upload(harness, picture())
    assert caught.value.code == "disk_full"
    assert files(harness) == []


def test_two_uploads_at_once_do_not_pass_the_quota_together(
    harness: Harness, monkeypatch: Any
) -> None:
    """Each was told that there is room; the second to get its row is not kept, and nothing of it is left."""
    harness.configure(studio_quota_mb=3)
    store, asked = uploads._store, list[int]()

    def beside(*args: Any) -> None:
        asked.append(1)
        if len(asked) == 1:
            upload(harness, sized(2, 60))
        store(*args)

    monkeypatch.setattr("kling_pipeline.jobs.uploads._store", beside)
    with pytest.raises(StorageError) as caught:
        upload(harness, sized(2))
    assert caught.value.code == "quota_exceeded"
    assert len(files(harness)) == 1
    upload(harness, sized(2, 60))


def test_content_that_a_result_has_stays_although_its_upload_passes_the_quota(
    harness: Harness, monkeypatch: Any
) -> None:
    harness.configure(studio_quota_mb=3)
    kept = upload(harness, sized(2), paid=True)
    harness.store.write(lambda db: db.execute("UPDATE asset SET owner = 'somebody'"))
    monkeypatch.setattr("kling_pipeline.jobs.uploads.check_space", lambda *_, **__: None)
    upload(harness, sized(2, 60))
    with pytest.raises(StorageError):
        upload(harness, sized(2))
    assert harness.pipeline.asset("somebody", kept)["file"].exists()

"""What is made of files that Kling sends and nobody can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.kling.dialects import Output
from tests.unit.conftest import Harness, clip

JUNK = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\x5a" * 4000


def sends(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, file: Callable[[int], bytes]
) -> list[str]:
    """Kling sends `file(n)` as its n-th download; the list grows by the address of each."""
    asked: list[str] = []

    def download(url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        asked.append(url)
        return target.write_bytes(file(len(asked)))

    monkeypatch.setattr(harness.kling, "download", download)
    return asked


def run(harness: Harness, ticks: int) -> dict[str, Any]:
    [job_id] = harness.submit()
    harness.ticks(3)
    harness.kling.finish()
    harness.ticks(ticks, 3)
    return harness.job(job_id)


def makes(harness: Harness, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Kling makes so many files of each task."""
    real_task = harness.kling._task

    def task(task_id: str) -> Any:
        one = real_task(task_id)
        outputs = tuple(Output("video", f"https://example.com/{n}", None, n) for n in range(count))
        object.__setattr__(one, "outputs", outputs if one.outputs else ())
        return one

    monkeypatch.setattr(harness.kling, "_task", task)


@pytest.mark.parametrize("file", [lambda n: JUNK, lambda n: JUNK + bytes([n])], ids=["same", "new"])
def test_what_kling_has_is_kept_although_nobody_can_read_it(harness, monkeypatch, file):
    asked = sends(harness, monkeypatch, file)
    job = run(harness, 6)
    assert job["state"] == "done"
    [asset] = job["assets"]
    assert (asset["kind"], asset["width"], asset["duration"], asset["poster_url"]) == (
        "video", None, None, None,
    )  # fmt: skip
    stored = harness.pipeline.asset(harness.owner, asset["id"])["file"].read_bytes()
    assert stored == file(len(asked))
    # Three attempts, each by the link that was told and by a fresh one.
    assert len(asked) == 6
    assert harness.credits()[1:] == (0, job["price"])


def test_a_file_that_was_cut_is_not_taken_for_what_kling_has(harness, monkeypatch):
    sends(harness, monkeypatch, lambda n: JUNK if n < 5 else clip())
    [asset] = run(harness, 6)["assets"]
    assert harness.pipeline.asset(harness.owner, asset["id"])["file"].read_bytes() == clip()


def test_of_many_files_only_those_that_did_not_come_are_fetched_again(harness, monkeypatch):
    makes(harness, monkeypatch, 9)
    asked = sends(harness, monkeypatch, lambda n: JUNK if n == 4 else clip())
    assert run(harness, 2)["state"] == "done"
    assert asked[9:] == [asked[3]]


def test_nine_files_that_nobody_can_read_take_no_longer_than_one(harness, monkeypatch):
    makes(harness, monkeypatch, 9)
    asked = sends(harness, monkeypatch, lambda _: JUNK)
    assert len(run(harness, 6)["assets"]) == 9
    assert len(asked) == 9 * 6


def test_another_kind_of_file_is_never_taken(harness, monkeypatch):
    sends(harness, monkeypatch, lambda _: b"\x89PNG\r\n\x1a\n" + b"\0" * 4000)
    assert run(harness, 12)["state"] == "saving"


def outputs_in_turn(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, *answers: tuple[Output, ...]
) -> None:
    """What Kling tells of the files of a task, one look after the other; the last stays."""
    real_task, left = harness.kling._task, list(answers)

    def task(task_id: str) -> Any:
        one = real_task(task_id)
        if one.outputs:
            object.__setattr__(one, "outputs", left.pop(0) if len(left) > 1 else left[0])
        return one

    monkeypatch.setattr(harness.kling, "_task", task)


A, B = (
    Output("video", "https://example.com/a", "a", 0),
    Output("video", "https://example.com/b", "b", 1),
)


def test_files_keep_their_place_when_fresh_links_come_in_another_order(harness, monkeypatch):
    """The second file was cut; the fresh answer names it first."""
    outputs_in_turn(harness, monkeypatch, (A, B), (B, A))
    asked: list[str] = []

    def download(url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        asked.append(url[-1])
        return target.write_bytes(JUNK if asked == ["a", "b"] else clip() + url[-1].encode())

    monkeypatch.setattr(harness.kling, "download", download)
    job = run(harness, 3)
    assert (job["state"], asked) == ("done", ["a", "b", "b"])
    files = [harness.pipeline.asset(harness.owner, one["id"])["file"] for one in job["assets"]]
    assert [file.read_bytes()[-1:] for file in files] == [b"a", b"b"]


def test_fewer_files_than_kling_told_of_are_not_all_of_them(harness, monkeypatch):
    outputs_in_turn(harness, monkeypatch, (A, B), (A,))
    sends(harness, monkeypatch, lambda n: clip() if n % 2 else JUNK)
    job = run(harness, 2)
    assert (job["state"], job["status"]["reason"]) == ("saving", "result_missing")
    assert harness.credits()[1] == job["price"]


def test_one_thread_is_left_for_what_is_to_be_sent(harness, monkeypatch):
    """Slow servers may hold every other one."""
    harness.configure(studio_workers=3)
    ids = harness.submit(4)
    harness.ticks(3)
    harness.kling.finish()
    begun: list[str] = []
    together: list[int] = []

    def slow(url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        begun.append(url)
        # While this one is fetched, the next is due, and while that is fetched, all of them.
        for job_id in {1: ids[1:2], 2: ids[2:]}.get(len(begun), []):
            harness.pipeline.advance(job_id)
        if len(begun) == 2:
            together.append(len(begun))
        return target.write_bytes(clip())

    monkeypatch.setattr(harness.kling, "download", slow)
    harness.ticks(4, 3)
    assert (together, len(begun)) == ([2, 2], 4)
    assert {harness.job(one)["state"] for one in ids} == {"done"}

"""What is made of files that Kling sends and nobody can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.kling.dialects import Output
from tests.unit.conftest import Bench, clip

JUNK = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\x5a" * 4000


def sends(bench: Bench, monkeypatch: pytest.MonkeyPatch, file: Callable[[int], bytes]) -> list[str]:
    """Kling sends `file(n)` as its n-th download; the list grows by the address of each."""
    asked: list[str] = []

    def download(url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        asked.append(url)
        return target.write_bytes(file(len(asked)))

    monkeypatch.setattr(bench.kling, "download", download)
    return asked


def run(bench: Bench, turns: int) -> dict[str, Any]:
    [job_id] = bench.submit()
    bench.turns(3)
    bench.kling.finish()
    bench.turns(turns, 3)
    return bench.job(job_id)


def makes(bench: Bench, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Kling makes so many files of each task."""
    real_task = bench.kling._task

    def task(task_id: str) -> Any:
        one = real_task(task_id)
        outputs = tuple(Output("video", f"https://example.com/{n}", None, n) for n in range(count))
        object.__setattr__(one, "outputs", outputs if one.outputs else ())
        return one

    monkeypatch.setattr(bench.kling, "_task", task)


@pytest.mark.parametrize("file", [lambda n: JUNK, lambda n: JUNK + bytes([n])], ids=["same", "new"])
def test_what_kling_has_is_kept_although_nobody_can_read_it(bench, monkeypatch, file):
    asked = sends(bench, monkeypatch, file)
    job = run(bench, 6)
    assert job["state"] == "done"
    [asset] = job["assets"]
    assert (asset["kind"], asset["width"], asset["duration"], asset["poster_url"]) == (
        "video", None, None, None,
    )  # fmt: skip
    stored = bench.pipeline.asset(bench.owner, asset["id"])["file"].read_bytes()
    assert stored == file(len(asked))
    # Three attempts, each by the link that was told and by a fresh one.
    assert len(asked) == 6
    assert bench.credits()[1:] == (0, job["price"])


def test_a_file_that_was_cut_is_not_taken_for_what_kling_has(bench, monkeypatch):
    sends(bench, monkeypatch, lambda n: JUNK if n < 5 else clip())
    [asset] = run(bench, 6)["assets"]
    assert bench.pipeline.asset(bench.owner, asset["id"])["file"].read_bytes() == clip()


def test_of_many_files_only_those_that_did_not_come_are_fetched_again(bench, monkeypatch):
    makes(bench, monkeypatch, 9)
    asked = sends(bench, monkeypatch, lambda n: JUNK if n == 4 else clip())
    assert run(bench, 2)["state"] == "done"
    assert asked[9:] == [asked[3]]


def test_nine_files_that_nobody_can_read_take_no_longer_than_one(bench, monkeypatch):
    makes(bench, monkeypatch, 9)
    asked = sends(bench, monkeypatch, lambda _: JUNK)
    assert len(run(bench, 6)["assets"]) == 9
    assert len(asked) == 9 * 6


def test_another_kind_of_file_is_never_taken(bench, monkeypatch):
    sends(bench, monkeypatch, lambda _: b"\x89PNG\r\n\x1a\n" + b"\0" * 4000)
    assert run(bench, 12)["state"] == "saving"


def outputs_in_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *answers: tuple[Output, ...]
) -> None:
    """What Kling tells of the files of a task, one look after the other; the last stays."""
    real_task, left = bench.kling._task, list(answers)

    def task(task_id: str) -> Any:
        one = real_task(task_id)
        if one.outputs:
            object.__setattr__(one, "outputs", left.pop(0) if len(left) > 1 else left[0])
        return one

    monkeypatch.setattr(bench.kling, "_task", task)


A, B = (
    Output("video", "https://example.com/a", "a", 0),
    Output("video", "https://example.com/b", "b", 1),
)


def test_files_keep_their_place_when_fresh_links_come_in_another_order(bench, monkeypatch):
    """The second file was cut; the fresh answer names it first."""
    outputs_in_turn(bench, monkeypatch, (A, B), (B, A))
    asked: list[str] = []

    def download(url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        asked.append(url[-1])
        return target.write_bytes(JUNK if asked == ["a", "b"] else clip() + url[-1].encode())

    monkeypatch.setattr(bench.kling, "download", download)
    job = run(bench, 3)
    assert (job["state"], asked) == ("done", ["a", "b", "b"])
    files = [bench.pipeline.asset(bench.owner, one["id"])["file"] for one in job["assets"]]
    assert [file.read_bytes()[-1:] for file in files] == [b"a", b"b"]


def test_fewer_files_than_kling_told_of_are_not_all_of_them(bench, monkeypatch):
    outputs_in_turn(bench, monkeypatch, (A, B), (A,))
    sends(bench, monkeypatch, lambda n: clip() if n % 2 else JUNK)
    job = run(bench, 2)
    assert (job["state"], job["says"]["reason"]) == ("saving", "result_missing")
    assert bench.credits()[1] == job["price"]


def test_one_thread_is_left_for_what_is_to_be_sent(bench, monkeypatch):
    """Slow servers may hold every other one."""
    bench.configure(studio_workers=3)
    ids = bench.submit(4)
    bench.turns(3)
    bench.kling.finish()
    begun: list[str] = []
    together: list[int] = []

    def slow(url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        begun.append(url)
        # While this one is fetched, the next is due, and while that is fetched, all of them.
        for job_id in {1: ids[1:2], 2: ids[2:]}.get(len(begun), []):
            bench.pipeline.advance(job_id)
        if len(begun) == 2:
            together.append(len(begun))
        return target.write_bytes(clip())

    monkeypatch.setattr(bench.kling, "download", slow)
    bench.turns(4, 3)
    assert (together, len(begun)) == ([2, 2], 4)
    assert {bench.job(one)["state"] for one in ids} == {"done"}

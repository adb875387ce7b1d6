"""What is made of files that Kling sends and nobody can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.dialects import Output
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
    known = bench.kling._task

    def task(task_id: str) -> Any:
        one = known(task_id)
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

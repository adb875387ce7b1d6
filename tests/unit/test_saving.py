"""What is made of files that Kling sends and nobody can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import Bench

JUNK = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\x5a" * 4000


def sends(bench: Bench, monkeypatch: pytest.MonkeyPatch, file: Callable[[int], bytes]) -> list[int]:
    """Kling sends `file(n)` as its n-th download; the list grows by each."""
    asked: list[int] = []

    def download(url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        asked.append(len(asked))
        return target.write_bytes(file(asked[-1]))

    monkeypatch.setattr(bench.kling, "download", download)
    return asked


def run(bench: Bench, turns: int) -> dict[str, Any]:
    [job_id] = bench.submit()
    bench.turns(3)
    bench.kling.finish()
    bench.turns(turns, 30)
    return bench.job(job_id)


def test_what_kling_has_is_kept_although_nobody_can_read_it(bench, monkeypatch):
    asked = sends(bench, monkeypatch, lambda _: JUNK)
    job = run(bench, 10)
    assert job["state"] == "done"
    [asset] = job["assets"]
    assert (asset["kind"], asset["width"], asset["duration"], asset["poster_url"]) == (
        "video", None, None, None,
    )  # fmt: skip
    assert bench.pipeline.asset_file(bench.owner, asset["id"]).read_bytes() == JUNK
    # The same bytes in three attempts, the first two with a fresh link each.
    assert len(asked) == 5
    assert bench.credits()[1:] == (0, job["price"])


def test_what_differs_from_time_to_time_was_cut_and_is_fetched_again(bench, monkeypatch):
    sends(bench, monkeypatch, lambda n: JUNK + bytes([n]))
    job = run(bench, 12)
    assert (job["state"], job["assets"], bench.credits()[2]) == ("saving", [], 0)


def test_another_kind_of_file_is_never_taken(bench, monkeypatch):
    sends(bench, monkeypatch, lambda _: b"\x89PNG\r\n\x1a\n" + b"\0" * 4000)
    assert run(bench, 12)["state"] == "saving"

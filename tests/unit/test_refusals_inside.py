"""Whose trouble is it? What the rows and the disk refuse, told apart: the job's own, or nobody's."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from kling_pipeline.errors import BusyError, StorageError
from tests.unit.test_recover import to_saving
from tests.unit.test_send import OPENING, state
from tests.unit.test_step_failures import never


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (sqlite3.IntegrityError("UNIQUE constraint failed: asset.id"), True),
        (sqlite3.ProgrammingError("Incorrect number of bindings supplied"), True),
        (StorageError("Nothing was kept: the disk is full."), False),
        (BusyError("Another program has locked the store."), False),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_the_rows_refuse_is_the_jobs_own_and_a_full_disk_is_not(
    harness, monkeypatch, error, counted
):
    job_id = to_saving(harness)

    def refused(*_: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.save._settle", refused)
        harness.ticks(20, 400)
    assert (harness.job(job_id)["error"] is not None) == counted
    assert harness.row(job_id)["crashes"] == (3 if counted else 0)
    harness.pipeline.retry("local", job_id)
    harness.ticks(2, 400)
    assert state(harness, job_id) == "done"


def test_no_late_message_takes_up_what_was_set_aside(harness, monkeypatch):
    job_id = to_saving(harness)
    with monkeypatch.context() as patch:
        never(harness, patch, "result_too_large")
        harness.ticks(20, 60)
    assert harness.job(job_id)["error"]["code"] == "result_too_large"
    harness.pipeline.advance(job_id)
    assert harness.job(job_id)["error"]["code"] == "result_too_large"
    assert state(harness, job_id) == "saving"


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (FileNotFoundError(2, "No such file", "/srv/studio/assets/ab/cd.png"), "failed"),
        (OSError(24, "Too many open files", "/srv/studio/assets/ab/cd.png"), "queued"),
        (OSError(5, "Input/output error", "/srv/studio/assets/ab/cd.png"), "queued"),
    ],
    ids=["gone", "descriptors", "disk"],
)
def test_a_file_that_is_gone_fails_a_job_and_one_that_cannot_be_read_now_does_not(
    harness, monkeypatch, error, found
):
    def broken(*_: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.send.thaw", broken)
        [job_id] = harness.submit()
        harness.tick()
    job = harness.job(job_id)
    assert (job["state"], "/srv" in str(job)) == (found, False)
    if found == "failed":
        assert (job["error"]["code"], harness.credits()) == ("input_missing", (OPENING, 0, 0))
        assert "no longer on the studio's disk" in job["error"]["message"]
    else:
        harness.ticks(2, 60)
        assert state(harness, job_id) == "running"

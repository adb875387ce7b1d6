"""The bell: short lines, whatever is due, and none of them older than the worker."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kling_pipeline.errors import StorageError
from kling_pipeline.jobs.leases import is_leased
from kling_pipeline.kling.dialects import Page
from kling_pipeline.worker import SCHEDULER_LEASE, Worker
from tests.conftest import wait_for
from tests.unit.conftest import Harness, refusal


def test_however_much_is_due_the_line_stays_short(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.configure(studio_workers=1, studio_time_scale=50)
    worker = Worker(harness.pipeline)
    ticks: list[int] = []

    def tick() -> list[str]:
        ticks.append(worker.huey.pending_count())
        return [f"job-{number}" for number in range(1000)]

    monkeypatch.setattr(harness.pipeline, "tick", tick)
    worker._ticker.start()  # the clock alone: nobody takes a message
    try:
        wait_for(lambda: len(ticks) > 40, "many ticks")
    finally:
        worker._stop.set()
        worker._ticker.join()
    assert 0 < max(ticks) <= 16
    close(worker)


def test_what_a_dead_worker_was_told_is_forgotten(harness: Harness) -> None:
    harness.configure(studio_workers=1)
    dead = Worker(harness.pipeline)
    for number in range(200):
        dead._advance(f"job-{number}")
    assert dead.huey.pending_count() == 200
    close(dead)
    worker = Worker(harness.pipeline)
    advanced: list[str] = []
    worker.pipeline = SimpleNamespace(  # type: ignore[assignment]
        engine=harness.engine, settings=harness.settings, resume=lambda: None, tick=list,
        advance=advanced.append,
    )  # fmt: skip
    worker.start()
    assert worker.huey.pending_count() == 0
    worker.stop()
    assert advanced == []


def test_it_stops_although_kling_does_not_answer(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is free at once; the look in hand is left to itself, and no other is begun."""
    monkeypatch.setattr("kling_pipeline.worker._TICKER_SECONDS", 0.01)
    harness.configure(studio_workers=1, studio_time_scale=50)
    harness.submit(3)
    harness.tick()
    harness.time += 10
    asked, answers = list[str](), threading.Event()

    def look(_: Any, name: str) -> Any:
        asked.append(name)
        answers.wait()
        raise refusal("uncertain")

    harness.kling.look_many = lambda *_: Page()  # type: ignore[method-assign]
    harness.kling.look = look  # type: ignore[method-assign]
    worker = Worker(harness.pipeline)
    worker.start()
    wait_for(lambda: asked, "a look")
    worker.stop()
    with harness.store.read() as db:
        assert not is_leased(db, harness.engine, SCHEDULER_LEASE)
    assert worker._ticker.is_alive()
    answers.set()
    worker._ticker.join()
    assert len(asked) == 1
    with harness.store.read() as db:
        assert not is_leased(db, harness.engine, SCHEDULER_LEASE), "nor is it taken again"


def waiting_worker(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> tuple[Worker, threading.Event]:
    """A worker in the middle of a tick, which waits until the event."""
    harness.configure(studio_workers=1, studio_time_scale=100)
    ticks, answers = threading.Event(), threading.Event()

    def tick() -> list[str]:
        ticks.set()
        answers.wait()
        return []

    monkeypatch.setattr(harness.pipeline, "tick", tick)
    worker = Worker(harness.pipeline)
    worker.start()
    assert ticks.wait(60)
    return worker, answers


def lease_runs_out(harness: Harness) -> bool:
    harness.time += 20
    with harness.store.read() as db:
        return not is_leased(db, harness.engine, SCHEDULER_LEASE)


def test_the_leases_live_while_a_tick_waits_for_kling(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, answers = waiting_worker(harness, monkeypatch)
    try:
        for _ in range(5):
            assert lease_runs_out(harness)
            wait_for(lambda: held(harness), "the lease to be renewed")
    finally:
        answers.set()
        worker.stop()


def test_a_tick_that_hangs_loses_its_lease(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, answers = waiting_worker(harness, monkeypatch)
    monkeypatch.setattr("kling_pipeline.worker._HANGS_AFTER", 0.0)
    renewed: list[int] = []
    monkeypatch.setattr("kling_pipeline.worker.keep_leases", lambda *_: renewed.append(1))
    try:
        assert lease_runs_out(harness)
        wait_for(lambda: len(renewed) > 3, "the keeper's rounds")
        assert not held(harness)
    finally:
        answers.set()
        worker.stop()


def test_without_a_queue_no_more_is_looked_at_than_there_are_workers(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is never answered keeps no process from ending."""
    monkeypatch.setattr("kling_pipeline.worker._SHUTDOWN_SECONDS", 0.01)
    harness.configure(studio_workers=2)
    worker = Worker(harness.pipeline)

    def locked(_: str) -> None:
        raise OSError("locked")

    looked, answers = list[str](), threading.Event()

    def advance(job_id: str) -> None:
        looked.append(job_id)
        answers.wait()

    monkeypatch.setattr(worker, "_advance", locked)
    monkeypatch.setattr(harness.pipeline, "advance", advance)
    for number in range(9):
        worker.notify(f"job-{number}")
    wait_for(lambda: len(looked) == 2, "two looks")
    threads = tuple(worker._local_threads)
    assert all(thread.daemon for thread in threads)
    answers.set()
    for thread in threads:
        thread.join()
    worker.notify("job-8")
    wait_for(lambda: "job-8" in looked, "a look at what was let go")
    close(worker)


def test_a_ring_is_kept_for_the_next_tick_where_the_system_gives_no_thread(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What rings has admitted a job: an exception would tell its owner that nothing was bought."""
    harness.configure(studio_workers=1)
    worker = Worker(harness.pipeline)
    harness.engine.notify = worker.notify

    def locked(_: str) -> None:
        raise OSError("locked")

    def none_left(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(worker, "_advance", locked)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        [job_id] = harness.submit()
    assert (worker._local_threads, worker._notified) == (set(), {})
    harness.pipeline.engine.notify(job_id)
    wait_for(lambda: harness.job(job_id)["state"] == "running", "a look at it")
    wait_for(lambda: not worker._local_threads, "its thread to end")
    close(worker)


def test_it_starts_on_a_full_disk_and_goes_on_when_there_is_room(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads that are due to go, or the jobs of a dead process, want to be written about at once."""
    harness.configure(studio_workers=1, studio_time_scale=100)
    [job_id] = harness.submit()
    write, room = harness.store.write, threading.Event()

    def full(work: Any) -> Any:
        if room.is_set():
            return write(work)
        raise StorageError("Nothing was kept: the disk is full.")

    monkeypatch.setattr(harness.store, "write", full)
    worker = Worker(harness.pipeline)
    worker.start()
    try:
        room.set()
        wait_for(lambda: harness.job(job_id)["state"] == "running", "the job to be sent")
    finally:
        worker.stop()


@pytest.mark.parametrize(
    ("error", "way"),
    [(StorageError("The disk is full."), False), (ZeroDivisionError("x"), True)],
    ids=["a full disk", "what nobody expected"],
)
def test_a_tick_that_fails_each_second_does_not_fill_the_log(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: Any, error: Exception, way: bool
) -> None:
    harness.configure(studio_workers=1, studio_time_scale=100)
    ticks: list[int] = []

    def tick() -> list[str]:
        ticks.append(1)
        raise error

    monkeypatch.setattr(harness.pipeline, "tick", tick)
    worker = Worker(harness.pipeline)
    worker.start()
    wait_for(lambda: len(ticks) > 20, "many ticks")
    worker.stop()
    [said] = [one for one in caplog.records if one.name == "kling_pipeline.worker"]
    assert str(error) in said.getMessage()
    assert bool(said.exc_info) is way


def held(harness: Harness) -> bool:
    with harness.store.read() as db:
        return is_leased(db, harness.engine, SCHEDULER_LEASE)


def close(worker: Any) -> None:
    worker.huey.storage.close()


def test_its_file_is_its_owners_alone(harness: Harness, tmp_path: Path) -> None:
    close(Worker(harness.pipeline))
    assert (tmp_path / "queue.db").stat().st_mode & 0o077 == 0

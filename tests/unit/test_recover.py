"""After any stop the rows alone say what is to be done, and two engines on them do no harm."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.jobs.engine import Engine, is_gone
from kling_pipeline.jobs.job import find_job, move, touch
from kling_pipeline.jobs.leases import hold_lease, is_leased
from kling_pipeline.jobs.recover import keep_leases
from kling_pipeline.jobs.save import save
from kling_pipeline.pipeline import Pipeline
from tests.unit.conftest import Harness, refusal
from tests.unit.test_send import OPENING, state

HOST = socket.gethostname()
DEAD = f"{HOST}|{os.getpid()}|1|dead"  # this pid, but it was another process that had it
ELSEWHERE = "another-host|1|1|far"


class Killed(BaseException):
    """Ends a thread of the test where a process would have ended."""


def set_row(harness: Harness, job_id: str, **columns: Any) -> None:
    text = ", ".join(f"{name} = :{name}" for name in columns)
    harness.store.write(
        lambda db: db.execute(f"UPDATE job SET {text} WHERE id = :id", {**columns, "id": job_id})
    )


def held_by(harness: Harness, job_id: str, owner: str, **columns: Any) -> None:
    until = harness.engine.now() + 15_000
    set_row(harness, job_id, lease_owner=owner, lease_until=until, next_at=None, **columns)


def to_saving(harness: Harness) -> str:
    (job_id,) = harness.submit()
    harness.tick()
    harness.kling.finish()
    harness.time += 6
    harness.pipeline.tick()
    assert state(harness, job_id) == "saving"
    return job_id


def another(harness: Harness, owner: str | None = None) -> Pipeline:
    """A second process on the same store."""
    engine = harness.make_engine()
    return Pipeline(dataclasses.replace(engine, process_id=owner) if owner else engine)


def dies_while(harness: Harness, monkeypatch: pytest.MonkeyPatch, point: str, job_id: str) -> None:
    """A process whose last line is a named one; what it held stays held by a dead process."""

    def last(name: str) -> None:
        if name == point:
            raise Killed

    doomed = another(harness, DEAD)
    with monkeypatch.context() as patch:
        for room in ("send", "save"):
            patch.setattr(f"kling_pipeline.jobs.{room}.failpoint", last)
        with pytest.raises(Killed):
            doomed.advance(job_id)


@pytest.mark.parametrize(
    ("owner", "gone"),
    [
        pytest.param(DEAD, True, id="dead"),
        (f"{HOST}|999999999|5|x", True),
        (ELSEWHERE, False),
    ],
)
def test_a_process_is_known_by_pid_and_start_time_on_this_host_only(owner, gone):
    assert is_gone(owner) is gone


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="told by /proc")
def test_a_process_that_has_the_pid_now_may_bear_any_name(harness):
    """Fifteen bytes of a name are kept, so that its last letter may be half of one."""
    named = (
        "import ctypes, time; ctypes.CDLL(None).prctl(15, b'caf\\xc3 )', 0, 0, 0); "
        "print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", named], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline()
            assert is_gone(f"{HOST}|{process.pid}|5|x")
            [job_id] = harness.submit()
            set_row(harness, job_id, lease_owner=f"{HOST}|{process.pid}|5|x", lease_until=2**50)
            harness.pipeline.resume()
            assert harness.row(job_id)["lease_owner"] is None
        finally:
            process.kill()


def test_a_process_that_ends_while_it_is_looked_at_is_gone(monkeypatch):
    def ended(_):
        raise ProcessLookupError

    monkeypatch.setattr(Path, "read_bytes", ended)
    assert is_gone(f"{HOST}|1|5|x")


def test_this_process_is_not_gone(harness):
    assert not is_gone(harness.engine.process_id)


@pytest.mark.parametrize("owner", [DEAD, ELSEWHERE], ids=["dead", "elsewhere"])
def test_the_dead_are_followed_at_once_and_the_silent_after_fifteen_seconds(harness, owner):
    job_id = to_saving(harness)
    held_by(harness, job_id, owner)
    harness.tick(1)
    if owner == ELSEWHERE:
        assert state(harness, job_id) == "saving"
        harness.ticks(13)
        assert harness.row(job_id)["lease_owner"] == ELSEWHERE
        harness.ticks(3)
    assert state(harness, job_id) == "done"


def test_a_living_silent_process_of_this_host_keeps_its_lease_for_fifteen_seconds(harness):
    job_id = to_saving(harness)
    held_by(harness, job_id, harness.make_engine().process_id)
    harness.ticks(14)
    assert harness.row(job_id)["lease_owner"]
    harness.ticks(3)
    assert state(harness, job_id) == "done"
    assert harness.row(job_id)["crashes"] == 0, "silence is no crash"


def test_what_a_thread_has_in_hand_is_renewed_and_not_taken_by_its_own_process(harness):
    job_id = to_saving(harness)
    held_by(harness, job_id, harness.engine.process_id)
    harness.engine.active_jobs.add(job_id)
    harness.ticks(3, 60)
    assert harness.row(job_id)["lease_owner"] == harness.engine.process_id
    harness.store.write(lambda db: keep_leases(db, harness.engine))
    other = another(harness)
    harness.time += 10
    other.tick()
    assert harness.row(job_id)["lease_owner"] == harness.engine.process_id
    harness.engine.active_jobs.clear()
    harness.ticks(2, 20)
    assert state(harness, job_id) == "done"


def test_stopped_before_the_intent_it_is_sent_anew(harness, monkeypatch):
    (job_id,) = harness.submit()
    dies_while(harness, monkeypatch, "claimed", job_id)
    assert state(harness, job_id) == "sending"
    harness.pipeline.resume()
    assert (state(harness, job_id), harness.job(job_id)["progress"]) == ("queued", 0)
    harness.tick()
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 1


@pytest.mark.parametrize("point", ["intent", "posted"])
def test_stopped_after_the_intent_it_is_looked_for_first(harness, monkeypatch, point):
    (job_id,) = harness.submit()
    dies_while(harness, monkeypatch, point, job_id)
    harness.pipeline.resume()
    assert state(harness, job_id) == "checking"
    harness.tick()
    if point == "posted":
        assert state(harness, job_id) == "running"
    else:
        assert state(harness, job_id) == "checking", "the request may still arrive"
        harness.ticks(80)
        assert state(harness, job_id) == "running"
    assert len(harness.kling.tasks) == 1


@pytest.mark.parametrize("point", ["fetched", "stored"])
def test_three_crashes_in_a_row_set_a_job_aside_until_its_owner_says(harness, monkeypatch, point):
    job_id = to_saving(harness)
    for crash in (1, 2, 3):
        dies_while(harness, monkeypatch, point, job_id)
        harness.pipeline.resume()
        assert harness.row(job_id)["crashes"] == crash
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("saving", "set_aside")
    assert harness.credits() == (OPENING - 210, 210, 0), "held, not lost"
    harness.ticks(20, 60)
    # A message that was left in the queue takes nothing up either.
    harness.pipeline.advance(job_id)
    assert (state(harness, job_id), harness.job(job_id)["error"]["code"]) == ("saving", "set_aside")
    harness.pipeline.retry("local", job_id)
    harness.tick()
    assert (state(harness, job_id), harness.job(job_id)["error"]) == ("done", None)
    assert harness.credits() == (OPENING - 210, 0, 210)


@pytest.mark.parametrize("point", ["saving", "claimed", "intent"])
def test_waiting_for_kling_at_a_crash_never_counts(harness, monkeypatch, point):
    """Only the reading, checking and storing of a file can itself be what ends the process."""
    job_id = to_saving(harness) if point == "saving" else harness.submit()[0]
    for _ in range(5):
        for _ in range(100):
            harness.tick() if state(harness, job_id) == "checking" else None
        if state(harness, job_id) not in ("queued", "saving"):
            break
        dies_while(harness, monkeypatch, point, job_id)
        harness.pipeline.resume()
    assert harness.row(job_id)["crashes"] == 0
    harness.kling.finish()
    harness.ticks(10, 10)
    harness.kling.finish()
    harness.ticks(10, 10)
    assert state(harness, job_id) == "done"


def test_progress_resets_the_count(harness, monkeypatch):
    job_id = to_saving(harness)
    for _ in range(2):
        dies_while(harness, monkeypatch, "stored", job_id)
        harness.pipeline.resume()
    with monkeypatch.context() as patch:
        patch.setattr(harness.kling, "unreachable", True)
        harness.tick()
    assert harness.row(job_id)["crashes"] == 0, "it came back alive from its work"
    for _ in range(2):
        harness.time += 600
        dies_while(harness, monkeypatch, "stored", job_id)
        harness.pipeline.resume()
    assert harness.job(job_id)["error"] is None
    harness.ticks(3)
    assert state(harness, job_id) == "done"


def test_a_copy_of_a_row_that_has_moved_on_changes_nothing(harness):
    job_id = to_saving(harness)
    with harness.store.read() as db:
        first = second = find_job(db, job_id)
    assert harness.store.write(lambda db: touch(db, first, tries=1))
    assert harness.store.write(lambda db: touch(db, second, tries=9)) is None
    assert harness.row(job_id)["tries"] == 1


def test_two_engines_that_save_the_same_job_store_and_charge_once(harness, monkeypatch):
    """One sleeps through its lease with the file half fetched; the other finishes; the first wakes up."""
    job_id = to_saving(harness)
    other = another(harness)
    download = harness.kling.download
    first = []

    def slow(url, target, *, cap, on_bytes=None):
        got = download(url, target, cap=cap, on_bytes=on_bytes)
        if not first:
            first.append(target)
            harness.time += 16
            other.tick()
            other.advance(job_id)
            assert state(harness, job_id) == "done"
            assert target.exists(), "each has a folder of its own"
        return got

    monkeypatch.setattr(harness.kling, "download", slow)
    harness.pipeline.advance(job_id)
    assert state(harness, job_id) == "done"
    assert len(harness.job(job_id)["assets"]) == 1
    assert harness.credits() == (OPENING - 210, 0, 210)


def test_two_engines_that_send_the_same_job_make_one_task(harness):
    (job_id,) = harness.submit()
    other = another(harness)
    create = harness.kling.create

    def slow(route, body, *, expires, timeout):
        if len(harness.kling.creates) == 0:
            harness.kling.creates.append(("seen", expires))
            harness.time += 80  # stopped, past its lease and its token
            for _ in range(10):
                harness.time += 1
                for one in other.tick():
                    other.advance(one)
            assert state(harness, job_id) == "running"
            raise refusal("token", service_code=1004)
        return create(route, body, expires=expires, timeout=timeout)

    harness.kling.create = slow
    harness.pipeline.advance(job_id)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.tasks) == 1
    assert len(harness.kling.creates) == 2


def test_two_schedulers_started_by_mistake_poll_and_finish_once(harness):
    ids = harness.submit(6)
    pipelines = [harness.pipeline, another(harness), another(harness)]
    for tick in range(40):
        harness.time += 1
        due = [(one, one.tick()) for one in pipelines]
        for pipeline, found in due:
            for job_id in found:
                pipeline.advance(job_id)
        if tick == 10:
            harness.kling.finish()
    assert {state(harness, one) for one in ids} == {"done"}
    assert len(harness.kling.creates) == len(harness.kling.tasks) == 6
    assert harness.credits() == (OPENING - 6 * 210, 0, 6 * 210)


def test_a_named_lease_has_one_holder(harness):
    def take(engine: Engine) -> bool:
        return harness.store.write(lambda db: hold_lease(db, engine, "scheduler"))

    other = harness.make_engine()
    assert take(harness.engine)
    assert not take(other)
    harness.time += 14
    assert not take(other)
    harness.time += 2
    assert take(other)
    assert not take(harness.engine)
    with harness.store.read() as db:
        assert is_leased(db, harness.engine, "scheduler")
    harness.store.write(lambda db: db.execute("UPDATE lease SET owner = ?", [DEAD]))
    assert take(harness.engine), "a dead holder is not waited for"


def test_a_saving_job_is_held_by_one_thread_only(harness):
    job_id = to_saving(harness)
    held_by(harness, job_id, ELSEWHERE)
    before = harness.row(job_id)
    with harness.store.read() as db:
        job = find_job(db, job_id)
    save(harness.engine, job)
    assert harness.row(job_id) == before
    assert harness.store.write(lambda db: move(db, job, "failed", 0, status="failed"))
    assert harness.credits() == (OPENING, 0, 0)

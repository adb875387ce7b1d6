"""Two workers on one store, stopped, continued and killed as it comes: no harm."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kling_pipeline.jobs.engine import is_gone
from tests.conftest import WAIT, Process, wait_for
from tests.service.disks import small_disk
from tests.service.test_faults import STORM, Fought, fought

pytestmark = pytest.mark.service
LONG = bool(os.environ.get("STUDIO_LONG"))


def stopped(pid: int) -> bool:
    """Whether every thread stands still: a signal is taken in by one, and only then by the others."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all((one / "stat").read_text().rpartition(")")[2].split()[0] == "T" for one in threads)


class Workers:
    """Worker processes on the store of one studio whose page does not work itself."""

    def __init__(self, field: Fought) -> None:
        self.field, self.alive = field, list[Process]()

    def start(self) -> Process:
        folder = self.field.app.folder
        env = {**self.field.app.env, "STUDIO_WORKERS": "8"}
        command = [sys.executable, "-m", "kling_pipeline", "worker"]
        made = Process(command, folder.parent / "worker.log", env)
        self.alive.append(made)
        return made

    def scheduler(self) -> Process:
        """The one that holds the lease of the clock."""

        def found() -> Process | None:
            with closing(sqlite3.connect(self.field.app.folder / "studio.db")) as db:
                rows = db.execute("SELECT owner FROM lease WHERE name = 'scheduler'").fetchall()
            owners = {owner.split("|")[1] for (owner,) in rows if not is_gone(owner)}
            return next((one for one in self.alive if str(one.popen.pid) in owners), None)

        return wait_for(found, "a worker to hold the scheduler lease")

    def freeze(self, one: Process) -> None:
        """Stops it between two transactions: SQLite's lock stays with whoever is stopped while holding it."""

        def frozen() -> bool:
            one.popen.send_signal(signal.SIGSTOP)
            wait_for(lambda: stopped(one.popen.pid), "a stopped process")
            with closing(sqlite3.connect(self.field.app.folder / "studio.db", timeout=2)) as db:
                try:
                    db.execute("BEGIN IMMEDIATE")
                    db.rollback()
                except sqlite3.OperationalError:
                    one.popen.send_signal(signal.SIGCONT)
                    return False
            return True

        wait_for(frozen, "a moment at which it holds no lock")

    def kill(self, one: Process) -> None:
        self.alive.remove(one)
        one.kill()

    def end(self) -> None:
        for one in self.alive:
            one.popen.send_signal(signal.SIGCONT)
            one.stop()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with fought(tmp_path, STUDIO_WORKERS="0") as field:
        made = Workers(field)
        try:
            yield made
        finally:
            made.end()


def test_the_one_that_holds_the_clock_is_stopped_and_wakes_up_later(workers: Workers):
    field = workers.field
    workers.start()
    workers.start()
    first = workers.scheduler()
    ids = field.ask(8)
    workers.freeze(first)
    later = field.ask(4)
    jobs = field.wait(ids + later, 2 * WAIT)
    assert {job["state"] for job in jobs} == {"done"}, "the other took over"
    last = field.ask(4)
    first.popen.send_signal(signal.SIGCONT)
    assert {job["state"] for job in field.wait(last)} == {"done"}
    field.assert_books()


def test_a_queue_that_somebody_holds_locked_stops_nobody(workers: Workers):
    """As a process does that was stopped while it took a message: the queue is a bell and no more."""
    field = workers.field
    workers.start()
    workers.scheduler()
    with closing(sqlite3.connect(field.app.folder / "queue.db")) as db:
        db.execute("BEGIN EXCLUSIVE")
        jobs = field.wait(field.ask(4))
        assert {job["state"] for job in jobs} == {"done"}
    field.assert_books()


def test_random_kills_while_faults_rage(workers: Workers):
    """STUDIO_SEED says which; the printed seed brings a failure back, as far as timing lets it."""
    seed = int(os.environ.get("STUDIO_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    print(f"STUDIO_SEED={seed}")
    chance, field = random.Random(seed), workers.field
    field.set_faults(STORM, "tolerate")
    workers.start()
    for _ in range(20 if LONG else 3):
        workers.start()
        field.ask(4)
        wait_for(lambda: workers.scheduler(), "a worker to work")
        time.sleep(chance.uniform(0.1, 2.5))  # the moment is what is random
        workers.kill(chance.choice(workers.alive))
    field.set_faults([], "tolerate")
    field.wait(field.ids, 3 * WAIT)
    field.assert_books()


def test_a_full_disk_makes_jobs_wait_and_nothing_is_lost(tmp_path: Path):
    """A small file system of its own, filled to the brim while results come in, then freed."""
    with (
        small_disk(tmp_path) as small,
        fought(small.folder, STUDIO_OPENING_CREDITS="100000") as field,
    ):
        assert field.wait(field.ask(1))[0]["state"] == "done"
        ids = field.ask(4)
        wait_for(lambda: all(field.app.job(one)["state"] != "queued" for one in ids), "all sent")
        small.fill(field.app)
        time.sleep(2)  # the disk stays full for a while; what is met in it is not looked at
        small.clear(field.app)
        assert {job["state"] for job in field.wait(ids, 3 * WAIT)} == {"done"}
        field.assert_books()

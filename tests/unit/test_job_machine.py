"""Any order of misfortunes: no job is lost, billed twice or charged otherwise than it ended."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kling_pipeline.pipeline import Pipeline
from kling_pipeline.storage.job_states import ENDED
from tests.unit.conftest import MEMORY, Harness, refusal

LONG = bool(os.environ.get("STUDIO_LONG"))
OPENING = 20_000
POINTS = (
    "claimed",
    "intent",
    "posted",
    "refused",
    "doubted",
    "adopted",
    "polled",
    "saving",
    "fetched",
    "stored",
)
ANSWERS = ("lost", "late", "nothing", "refused", "account", "token", "busy", "not sent")


class Killed(BaseException):
    """Ends the work where a process would have ended."""


class JobMachine(RuleBasedStateMachine):
    """The life of jobs on the store, with a Kling that loses, delays and refuses."""

    @initialize(tolerates=st.booleans(), unfenced=st.sampled_from([False, False, True]))
    def begin(self, tolerates: bool, unfenced: bool) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.harness = Harness(Path(self.folder.name))
        # Where a repeated id makes a second task, only the fence keeps us from a second bill.
        self.harness.kling.tolerates = tolerates and not unfenced
        self.harness.kling.unfenced = unfenced
        self.ids: list[str] = []
        self.last = ""

    @rule(count=st.integers(1, 3))
    def submit(self, count: int) -> None:
        if self.harness.credits()[0] >= 630 and len(self.ids) < 20:
            self.ids += self.harness.submit(count)

    @rule(answer=st.sampled_from(ANSWERS))
    def kling_will(self, answer: str) -> None:
        step = {
            "lost": "lost",
            "late": "late",
            "nothing": refusal("uncertain"),
            "not sent": refusal("uncertain", sent=False),
        }.get(answer)
        self.harness.kling.script.append(step or refusal(answer))

    @rule(seconds=st.sampled_from([0, 1, 2, 5, 20, 70, 600]))
    def tick(self, seconds: int) -> None:
        self.harness.tick(seconds)

    @rule()
    def what_was_on_its_way_arrives(self) -> None:
        self.harness.kling.arrive()

    @rule(status=st.sampled_from(["succeeded", "succeeded", "failed"]), one=st.booleans())
    def kling_ends(self, status: str, one: bool) -> None:
        for task in self.harness.kling.tasks.values():
            if task["status"] == "running":
                task["status"] = status
                if one:
                    return

    @rule(dark=st.booleans())
    def line(self, dark: bool) -> None:
        self.harness.kling.unreachable = dark

    @rule(number=st.integers(0, 19))
    def cancel(self, number: int) -> None:
        if self.ids:
            self.harness.pipeline.cancel("local", self.ids[number % len(self.ids)])

    @rule(number=st.integers(0, 19))
    def try_again(self, number: int) -> None:
        """Not where the outcome is unknown: there the owner takes the second bill upon himself."""
        if self.ids:
            job_id = self.ids[number % len(self.ids)]
            if self.harness.row(job_id)["state"] == "saving":
                self.harness.pipeline.retry("local", job_id)

    @rule(point=st.sampled_from(POINTS))
    def crash(self, point: str) -> None:
        """The process ends at a named line, and its successor finds what it held."""
        rooms = [__import__(f"kling_pipeline.jobs.{one}", fromlist=["x"]) for one in
                 ("send", "reconcile", "poll", "save")]  # fmt: skip

        def last(name: str) -> None:
            if name == point:
                raise Killed

        for room in rooms:
            room.failpoint = last
        try:
            self.harness.tick(6)
        except Killed:
            pass
        finally:
            for room in rooms:
                room.failpoint = lambda name: None
        self._succeed()

    @rule()
    def a_second_process(self) -> None:
        """The first one is stopped, not dead: it may come back with what it knew."""
        other = Pipeline(self.harness.make_engine())
        self.harness.time += 16
        for job_id in other.tick():
            other.advance(job_id)

    def _succeed(self) -> None:
        old = self.harness.engine.process_id
        self.harness.engine = self.harness.make_engine()
        self.harness.pipeline = Pipeline(self.harness.engine)
        self.harness.store.write(
            lambda db: db.execute(
                "UPDATE job SET lease_owner = 'elsewhere|1|1|x', lease_until = 0 WHERE lease_owner = ?",
                [old],
            )
        )
        self.harness.pipeline.resume()

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "harness"):
            return
        assert self.harness.audit() == []
        jobs = [self.harness.row(one) for one in self.ids]
        available, held, spent = self.harness.credits()
        by_state = {name: sum(job["price"] for job in jobs if job["state"] == name)
                    for name in {job["state"] for job in jobs}}  # fmt: skip
        assert spent == by_state.get("done", 0)
        assert held == sum(price for name, price in by_state.items() if name not in ENDED)
        assert available == OPENING - spent - held

    @invariant()
    def nothing_is_billed_twice(self) -> None:
        if not hasattr(self, "harness"):
            return
        tasks = Counter(task["external"] for task in self.harness.kling.tasks.values())
        assert not tasks or max(tasks.values()) == 1
        assert set(tasks) <= {self.harness.row(one)["external_task_id"] for one in self.ids}

    def teardown(self) -> None:
        if hasattr(self, "harness"):
            self._everything_ends()
            self.harness.store.close()
            self.folder.cleanup()

    def _everything_ends(self) -> None:
        """Once the misfortunes are over, time alone brings every job to its end, and no paid one is lost."""
        kling = self.harness.kling
        kling.script.clear()
        kling.unreachable = False
        kling.arrive()
        for number in range(60):
            if all(self.harness.row(one)["state"] in ENDED for one in self.ids):
                break
            kling.finish()
            self.harness.ticks(4, 5 if number % 3 else 120)
        self.the_books_are_right()
        self.nothing_is_billed_twice()
        states = {one: self.harness.row(one)["state"] for one in self.ids}
        assert set(states.values()) <= set(ENDED), states
        done = {
            self.harness.row(one)["external_task_id"] for one in self.ids if states[one] == "done"
        }
        paid = {task["external"] for task in kling.tasks.values() if task["status"] == "succeeded"}
        assert paid == done, "what Kling was paid for is stored, and nothing else"


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(
    max_examples=400 if LONG else 15,
    stateful_step_count=50 if LONG else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

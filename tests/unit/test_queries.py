"""What the page is told between two looks: what changed of a take, and what changed around it."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import threading
from typing import Any

import pytest

from kling_pipeline.errors import BusyError
from kling_pipeline.jobs.pause import pause
from kling_pipeline.pipeline import Pipeline
from kling_pipeline.storage.store import Store, set_meta
from tests.unit.conftest import Harness, refusal


def test_a_place_in_line_is_told_though_the_waiting_take_did_not_change(harness: Harness) -> None:
    harness.submit(2)
    harness.ticks(3)
    harness.kling.script = [refusal("busy", service_code=1303)]
    waits, last = harness.submit(2)
    for _ in range(3):
        harness.pipeline.advance(waits)
    before = harness.pipeline.jobs_since(harness.owner, 0)
    assert {one: before["queue_positions"][one][0] for one in (waits, last)} == {waits: 1, last: 2}
    harness.pipeline.cancel(harness.owner, waits)
    after = harness.pipeline.jobs_since(harness.owner, before["rev"])
    assert [job["id"] for job in after["jobs"]] == [waits]
    assert after["queue_positions"][last][0] == 1


def test_without_a_line_no_places_are_told(harness: Harness) -> None:
    harness.submit()
    harness.ticks(3)
    assert "queue_positions" not in harness.pipeline.jobs_since(harness.owner, 0)


def test_a_row_carries_its_revision_so_that_an_older_answer_is_known(harness: Harness) -> None:
    [job_id] = harness.submit()
    first = harness.job(job_id)["rev"]
    harness.ticks(3)
    assert harness.job(job_id)["rev"] > first


def test_what_the_model_could_not_take_is_told_as_not_sent(harness: Harness) -> None:
    harness.submit(cfg_scale=0.4, duration="10")
    [job] = harness.pipeline.jobs_since(harness.owner, 0)["jobs"]
    assert job["params"]["cfg_scale"] == 0.4
    assert job["unsent"] == ["cfg_scale"]


def test_nothing_that_is_asked_every_second_reads_every_job(harness: Harness, monkeypatch) -> None:
    """A tick and a page's question look at what is open or new, however long the history is."""
    harness.submit(3)
    harness.ticks(2)
    harness.submit(2)
    asked: set[str] = set()
    connect = Store._connect

    def traced(store: Store) -> sqlite3.Connection:
        db = connect(store)
        db.set_trace_callback(asked.add)
        return db

    monkeypatch.setattr(Store, "_connect", traced)
    while not harness.store._idle.empty():
        harness.store._idle.get().close()  # one that is kept would not be traced
    harness.store._writer._forget()
    harness.ticks(3, 10)
    harness.pipeline.jobs_since(harness.owner, harness.pipeline.jobs_since(harness.owner, 0)["rev"])
    monkeypatch.undo()
    while not harness.store._idle.empty():
        harness.store._idle.get().close()
    with harness.store.read() as db:
        plans = {
            sql: [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
            for sql in asked
            if "FROM job" in sql
        }
    assert len(plans) > 6
    assert {sql for sql, plan in plans.items() if any("SCAN job" in one for one in plan)} == set()


class Counted:
    """What the store is asked from now on: statements of all its connections, and how many reads."""

    def __init__(self, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.reads = 0
        connect, read, counted = Store._connect, Store.read, self

        def traced(store: Store) -> sqlite3.Connection:
            db = connect(store)
            db.set_trace_callback(counted.asked.append)
            return db

        def reading(store: Store) -> Any:
            counted.reads += 1
            return read(store)

        monkeypatch.setattr(Store, "_connect", traced)
        monkeypatch.setattr(Store, "read", reading)
        while not harness.store._idle.empty():
            harness.store._idle.get().close()
        harness.store._unwatch()

    def clear(self) -> None:
        self.asked.clear()
        self.reads = 0


def crowd(harness: Harness, revs: list[int]) -> list[dict[str, Any]]:
    """The answers of viewers that all ask while an earlier answer is still being made."""
    gate = threading.Event()
    change_feed = harness.pipeline.change_feed
    change_feed._thread.submit(gate.wait, 20)
    asked = [change_feed.ask(harness.owner, rev) for rev in revs]
    gate.set()
    return [json.loads(one.result(20)) for one in asked]


def test_a_crowd_of_viewers_costs_one_reading(harness: Harness, monkeypatch) -> None:
    revs = [0, 7]
    for _ in range(3):
        harness.submit(2)
        revs.append(harness.pipeline.jobs_since(harness.owner, 0)["rev"])
        harness.tick()
    alone = {rev: harness.pipeline.jobs_since(harness.owner, rev) for rev in revs}
    assert [len(alone[rev]["jobs"]) for rev in revs] == [6, 6, 6, 4, 2]
    assert [rev for rev in revs if alone[rev].get("reset")] == [7]
    counted = Counted(harness, monkeypatch)
    harness.store.write(lambda db: set_meta(db, "something", 1))
    counted.clear()
    assert crowd(harness, revs * 40) == [alone[rev] for rev in revs * 40]
    assert counted.reads == 1
    of_jobs = [sql for sql in counted.asked if "FROM job" in sql]
    assert len(of_jobs) <= 8, of_jobs
    counted.clear()
    crowd(harness, revs * 40)
    assert (counted.reads, counted.asked) == (0, ["PRAGMA data_version"]), "nothing was committed"


def test_an_answer_is_never_older_than_its_question(harness: Harness) -> None:
    """What any process commits is in the next answer, a new revision or not."""
    other = Pipeline(dataclasses.replace(harness.make_engine(), store=Store(harness.store.path)))
    rev = 0
    for process in (harness.pipeline, other) * 3:
        made = process.submit(harness.owner, "text_to_video", {"prompt": "a boat"}).jobs
        answer = harness.pipeline.jobs_since(harness.owner, rev)
        assert [job["id"] for job in answer["jobs"]] == [made[0].id]
        rev = answer["rev"]
        before = answer["credits"]["available"]
        process.grant(harness.owner, 5, f"{rev}")
        assert harness.pipeline.jobs_since(harness.owner, rev)["credits"]["available"] == before + 5
    harness.store.write(lambda db: pause(db, harness.engine, refusal("account", "told to")))
    assert other.jobs_since(harness.owner, rev)["notice"]["message"] == "told to"
    other.engine.store.close()


def test_an_answer_that_fails_is_told_to_all_who_asked_and_to_no_one_after(
    harness: Harness, monkeypatch
) -> None:
    harness.submit()
    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.coalescing.changes_since", lambda *_: 1 / 0)
        change_feed, gate = harness.pipeline.change_feed, threading.Event()
        change_feed._thread.submit(gate.wait, 20)
        asked = [change_feed.ask(harness.owner, 0) for _ in range(3)]
        assert asked[0].cancel(), "whose page was closed"
        gate.set()
        for one in asked[1:]:
            with pytest.raises(ZeroDivisionError):
                one.result(20)
    assert len(harness.pipeline.jobs_since(harness.owner, 0)["jobs"]) == 1


def test_the_answers_that_are_kept_are_bounded_in_bytes(harness: Harness, monkeypatch) -> None:
    harness.submit()
    change_feed = harness.pipeline.change_feed
    answer = len(change_feed.ask(harness.owner, 0).result(20))
    assert sum(map(len, change_feed._answers.values())) == answer
    monkeypatch.setattr("kling_pipeline.jobs.coalescing._KEPT_BYTES", 2 * answer)
    asked = crowd(harness, [0, *range(10**6, 10**6 + 40)])
    assert len(asked) == 41
    assert sum(map(len, change_feed._answers.values())) <= 2 * answer
    assert crowd(harness, [0])[0]["jobs"] == asked[0]["jobs"]


def test_viewers_that_are_closed_have_answered_and_take_no_more(harness: Harness) -> None:
    change_feed, gate = harness.pipeline.change_feed, threading.Event()
    change_feed._thread.submit(gate.wait, 20)
    asked = change_feed.ask(harness.owner, 0)
    closing = threading.Thread(target=change_feed.close)
    closing.start()
    gate.set()
    closing.join(20)
    assert not closing.is_alive()
    assert asked.done()
    with pytest.raises(BusyError):
        change_feed.ask(harness.owner, 0)


def test_what_waits_is_asked_once_however_many_wait(harness: Harness, monkeypatch) -> None:
    harness.submit(45, prompt="a")
    harness.submit(45, prompt="b")
    counted = Counted(harness, monkeypatch)
    answer = harness.pipeline.jobs_since(harness.owner, 0)
    assert len(answer["queue_positions"]) == 90
    assert answer["queue_positions"][answer["jobs"][0]["id"]][0] == 90
    assert len([sql for sql in counted.asked if "FROM job" in sql]) <= 6


def test_where_no_thread_can_be_had_nobody_is_left_waiting(harness: Harness, monkeypatch) -> None:
    def none_left(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        for _ in range(2):
            with pytest.raises(BusyError):
                harness.pipeline.change_feed.ask(harness.owner, 0)
    assert harness.pipeline.jobs_since(harness.owner, 0)["jobs"] == []

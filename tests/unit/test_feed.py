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
from tests.unit.conftest import Bench, refusal


def test_a_place_in_line_is_told_though_the_waiting_take_did_not_change(bench: Bench) -> None:
    bench.submit(2)
    bench.turns(3)
    bench.kling.script = [refusal("busy", service_code=1303)]
    waits, last = bench.submit(2)
    for _ in range(3):
        bench.pipeline.advance(waits)
    before = bench.pipeline.jobs_since(bench.owner, 0)
    assert {one: before["places"][one][0] for one in (waits, last)} == {waits: 1, last: 2}
    bench.pipeline.cancel(bench.owner, waits)
    after = bench.pipeline.jobs_since(bench.owner, before["rev"])
    assert [job["id"] for job in after["jobs"]] == [waits]
    assert after["places"][last][0] == 1


def test_without_a_line_no_places_are_told(bench: Bench) -> None:
    bench.submit()
    bench.turns(3)
    assert "places" not in bench.pipeline.jobs_since(bench.owner, 0)


def test_a_row_carries_its_revision_so_that_an_older_answer_is_known(bench: Bench) -> None:
    [job_id] = bench.submit()
    first = bench.job(job_id)["rev"]
    bench.turns(3)
    assert bench.job(job_id)["rev"] > first


def test_what_the_model_could_not_take_is_told_as_not_sent(bench: Bench) -> None:
    bench.submit(cfg_scale=0.4, duration="10")
    [job] = bench.pipeline.jobs_since(bench.owner, 0)["jobs"]
    assert job["params"]["cfg_scale"] == 0.4
    assert job["unsent"] == ["cfg_scale"]


def test_nothing_that_is_asked_every_second_reads_every_job(bench: Bench, monkeypatch) -> None:
    """A tick and a page's question look at what is open or new, however long the history is."""
    bench.submit(3)
    bench.turns(2)
    bench.submit(2)
    asked: set[str] = set()
    connect = Store._connect

    def traced(store: Store) -> sqlite3.Connection:
        db = connect(store)
        db.set_trace_callback(asked.add)
        return db

    monkeypatch.setattr(Store, "_connect", traced)
    while not bench.store._idle.empty():
        bench.store._idle.get().close()  # one that is kept would not be traced
    bench.store._writer._forget()
    bench.turns(3, 10)
    bench.pipeline.jobs_since(bench.owner, bench.pipeline.jobs_since(bench.owner, 0)["rev"])
    monkeypatch.undo()
    while not bench.store._idle.empty():
        bench.store._idle.get().close()
    with bench.store.read() as db:
        plans = {
            sql: [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
            for sql in asked
            if "FROM job" in sql
        }
    assert len(plans) > 6
    assert {sql for sql, plan in plans.items() if any("SCAN job" in one for one in plan)} == set()


class Counted:
    """What the store is asked from now on: statements of all its connections, and how many reads."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
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
        while not bench.store._idle.empty():
            bench.store._idle.get().close()
        bench.store._unwatch()

    def clear(self) -> None:
        self.asked.clear()
        self.reads = 0


def crowd(bench: Bench, revs: list[int]) -> list[dict[str, Any]]:
    """The answers of viewers that all ask while an earlier answer is still being made."""
    gate = threading.Event()
    viewers = bench.pipeline.viewers
    viewers._thread.submit(gate.wait, 20)
    asked = [viewers.ask(bench.owner, rev) for rev in revs]
    gate.set()
    return [json.loads(one.result(20)) for one in asked]


def test_a_crowd_of_viewers_costs_one_reading(bench: Bench, monkeypatch) -> None:
    revs = [0, 7]
    for _ in range(3):
        bench.submit(2)
        revs.append(bench.pipeline.jobs_since(bench.owner, 0)["rev"])
        bench.turn()
    alone = {rev: bench.pipeline.jobs_since(bench.owner, rev) for rev in revs}
    assert [len(alone[rev]["jobs"]) for rev in revs] == [6, 6, 6, 4, 2]
    assert [rev for rev in revs if alone[rev].get("reset")] == [7]
    counted = Counted(bench, monkeypatch)
    bench.store.write(lambda db: set_meta(db, "something", 1))
    counted.clear()
    assert crowd(bench, revs * 40) == [alone[rev] for rev in revs * 40]
    assert counted.reads == 1
    of_jobs = [sql for sql in counted.asked if "FROM job" in sql]
    assert len(of_jobs) <= 8, of_jobs
    counted.clear()
    crowd(bench, revs * 40)
    assert (counted.reads, counted.asked) == (0, ["PRAGMA data_version"]), "nothing was committed"


def test_an_answer_is_never_older_than_its_question(bench: Bench) -> None:
    """What any process commits is in the next answer, a new revision or not."""
    other = Pipeline(dataclasses.replace(bench.make_engine(), store=Store(bench.store.path)))
    rev = 0
    for process in (bench.pipeline, other) * 3:
        made = process.submit(bench.owner, "text_to_video", {"prompt": "a boat"}).jobs
        answer = bench.pipeline.jobs_since(bench.owner, rev)
        assert [job["id"] for job in answer["jobs"]] == [made[0].id]
        rev = answer["rev"]
        before = answer["credits"]["available"]
        process.grant(bench.owner, 5, f"{rev}")
        assert bench.pipeline.jobs_since(bench.owner, rev)["credits"]["available"] == before + 5
    bench.store.write(lambda db: pause(db, bench.engine, refusal("account", "told to")))
    assert other.jobs_since(bench.owner, rev)["notice"]["message"] == "told to"
    other.engine.store.close()


def test_an_answer_that_fails_is_told_to_all_who_asked_and_to_no_one_after(
    bench: Bench, monkeypatch
) -> None:
    bench.submit()
    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.coalescing.changes_since", lambda *_: 1 / 0)
        viewers, gate = bench.pipeline.viewers, threading.Event()
        viewers._thread.submit(gate.wait, 20)
        asked = [viewers.ask(bench.owner, 0) for _ in range(3)]
        assert asked[0].cancel(), "whose page was closed"
        gate.set()
        for one in asked[1:]:
            with pytest.raises(ZeroDivisionError):
                one.result(20)
    assert len(bench.pipeline.jobs_since(bench.owner, 0)["jobs"]) == 1


def test_the_answers_that_are_kept_are_bounded_in_bytes(bench: Bench, monkeypatch) -> None:
    bench.submit()
    viewers = bench.pipeline.viewers
    answer = len(viewers.ask(bench.owner, 0).result(20))
    assert sum(map(len, viewers._answers.values())) == answer
    monkeypatch.setattr("kling_pipeline.jobs.coalescing._KEPT_BYTES", 2 * answer)
    asked = crowd(bench, [0, *range(10**6, 10**6 + 40)])
    assert len(asked) == 41
    assert sum(map(len, viewers._answers.values())) <= 2 * answer
    assert crowd(bench, [0])[0]["jobs"] == asked[0]["jobs"]


def test_viewers_that_are_closed_have_answered_and_take_no_more(bench: Bench) -> None:
    viewers, gate = bench.pipeline.viewers, threading.Event()
    viewers._thread.submit(gate.wait, 20)
    asked = viewers.ask(bench.owner, 0)
    closing = threading.Thread(target=viewers.close)
    closing.start()
    gate.set()
    closing.join(20)
    assert not closing.is_alive()
    assert asked.done()
    with pytest.raises(BusyError):
        viewers.ask(bench.owner, 0)


def test_what_waits_is_asked_once_however_many_wait(bench: Bench, monkeypatch) -> None:
    bench.submit(45, prompt="a")
    bench.submit(45, prompt="b")
    counted = Counted(bench, monkeypatch)
    answer = bench.pipeline.jobs_since(bench.owner, 0)
    assert len(answer["places"]) == 90
    assert answer["places"][answer["jobs"][0]["id"]][0] == 90
    assert len([sql for sql in counted.asked if "FROM job" in sql]) <= 6


def test_where_no_thread_can_be_had_nobody_is_left_waiting(bench: Bench, monkeypatch) -> None:
    def none_left(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        for _ in range(2):
            with pytest.raises(BusyError):
                bench.pipeline.viewers.ask(bench.owner, 0)
    assert bench.pipeline.jobs_since(bench.owner, 0)["jobs"] == []

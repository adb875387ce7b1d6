"""What the page is told between two looks: what changed of a take, and what changed around it."""

from __future__ import annotations

import sqlite3

from kling_pipeline.store import Store
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

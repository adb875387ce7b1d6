"""What the page is told between two looks: what changed of a take, and what changed around it."""

from __future__ import annotations

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

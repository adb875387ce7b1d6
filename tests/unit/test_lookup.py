"""What a list proves where Kling does not know our ids, and what it finds where its look-up finds nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.job import find_job
from kling_pipeline.jobs.lookup import Inconclusive, find_task
from kling_pipeline.kling.dialects import Page
from tests.unit.conftest import Harness, refusal


def state(harness: Harness, job_id: str) -> str:
    return harness.job(job_id)["state"]


@pytest.fixture
def nameless(harness, monkeypatch):
    """The bench with an endpoint that takes Kling's ids only."""
    catalog = harness.engine.catalog
    by_id = catalog.route
    monkeypatch.setattr(catalog, "route", lambda name: replace(by_id(name), find=False))
    monkeypatch.setattr("kling_pipeline.jobs.submit.freeze_route", lambda route: None)
    return harness


def doubtful(harness, script="lost"):
    harness.kling.script = [script]
    (job_id,) = harness.submit()
    harness.tick()
    assert state(harness, job_id) == "checking"
    return job_id


def look(harness, job_id):
    with harness.store.read() as db:
        job = find_job(db, job_id)
    return find_task(harness.engine, harness.engine.catalog.route(job.route), job)


def pages_of(harness, size):
    """A Kling that gives so many rows a page, whatever it is asked for."""
    look_many = harness.kling.look_many
    harness.kling.look_many = lambda route, page, _=0: look_many(route, page, size)


def unnamed(harness):
    """A Kling that echoes nobody's ids in its lists."""
    look_many = harness.kling.look_many
    harness.kling.look_many = lambda *args: Page(
        replace(task, external_id=None) for task in look_many(*args)
    )


def test_pages_are_as_long_as_kling_likes(nameless):
    job_id = doubtful(nameless)
    for number in range(7):
        nameless.kling.add(f"somebody-{number}", created=int(nameless.time * 1000) + 1000)
    pages_of(nameless, 3)
    assert look(nameless, job_id).external_id == nameless.row(job_id)["external_task_id"]


def test_the_end_of_a_list_is_an_empty_page(nameless):
    job_id = doubtful(nameless, refusal("uncertain"))
    for number in range(7):
        nameless.kling.add(f"somebody-{number}")
    pages_of(nameless, 3)
    with pytest.raises(KlingError) as caught:
        look(nameless, job_id)
    assert caught.value.verdict == "absent"
    assert [page for page, _ in nameless.kling.pages] == [1, 2, 3, 4]


def test_a_list_that_tells_the_same_page_again_proves_nothing(nameless):
    job_id = doubtful(nameless, refusal("uncertain"))
    nameless.kling.add("somebody")
    first = nameless.kling.look_many(None, 1)
    nameless.kling.look_many = lambda *_: first
    with pytest.raises(Inconclusive):
        look(nameless, job_id)


def test_a_row_that_cannot_be_read_may_be_the_one(nameless):
    job_id = doubtful(nameless, refusal("uncertain"))
    nameless.kling.add("somebody")
    look_many = nameless.kling.look_many

    def torn(*args):
        page = look_many(*args)
        page.unread = len(page)
        return page

    nameless.kling.look_many = torn
    with pytest.raises(Inconclusive):
        look(nameless, job_id)


def test_a_list_without_names_proves_nothing_while_a_new_task_is_nobodys(nameless):
    job_id = doubtful(nameless)
    unnamed(nameless)
    with pytest.raises(Inconclusive):
        look(nameless, job_id)


def test_a_list_without_names_proves_absence_when_each_task_is_somebodys(nameless):
    running, _ = nameless.submit(1)[0], nameless.tick()
    assert state(nameless, running) == "running"
    nameless.kling.add(None, created=1)
    job_id = doubtful(nameless, refusal("uncertain"))
    unnamed(nameless)
    with pytest.raises(KlingError) as caught:
        look(nameless, job_id)
    assert caught.value.verdict == "absent"


def test_without_any_proof_the_owner_decides_and_nothing_is_paid_twice(nameless):
    job_id = doubtful(nameless)
    nameless.kling.tolerates = True
    unnamed(nameless)
    nameless.ticks(14, 60)
    assert state(nameless, job_id) == "checking"
    nameless.ticks(4, 60)
    assert state(nameless, job_id) == "unknown"
    assert nameless.job(job_id)["error"]["code"] == "outcome_unknown"
    assert len(nameless.kling.creates) == 1
    assert nameless.audit() == []


def test_a_kling_that_does_not_answer_leaves_no_job_to_its_owner(nameless):
    job_id = doubtful(nameless)
    nameless.kling.unreachable = True
    nameless.ticks(40, 60)
    assert state(nameless, job_id) == "checking"
    nameless.kling.unreachable = False
    nameless.ticks(3, 60)
    assert state(nameless, job_id) == "running"


def test_a_task_that_the_look_up_misses_is_seen_in_the_list_before_it_is_paid_again(harness):
    job_id = doubtful(harness)
    harness.kling.tolerates = True
    harness.kling.find = lambda *_: (_ for _ in ()).throw(refusal("absent"))
    harness.ticks(90)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 1


@pytest.mark.parametrize("verdict", ["absent", "refused"])
def test_a_list_that_is_refused_does_not_hold_up_a_look_up_that_works(harness, verdict):
    job_id = doubtful(harness, refusal("uncertain"))
    harness.kling.look_many = lambda *_: (_ for _ in ()).throw(refusal(verdict))
    harness.ticks(90)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 2


def test_no_list_is_read_before_it_could_be_proof(harness):
    doubtful(harness, refusal("uncertain"))
    harness.ticks(40)
    assert harness.kling.looks
    assert harness.kling.pages == []


def test_a_look_that_began_before_the_fence_is_no_proof_however_long_it_took(harness):
    job_id = doubtful(harness, refusal("uncertain"))
    fence = harness.row(job_id)["fence_until"]
    find = harness.kling.find

    def slow(*args):
        harness.time = max(harness.time, fence + 1)
        return find(*args)

    harness.kling.find = slow
    harness.tick(5)
    assert harness.row(job_id)["absences"] == 0


def absent(*_):
    raise refusal("absent")


def test_neither_look_up_nor_names_leave_it_to_the_owner_and_nothing_is_paid_twice(harness):
    harness.submit()
    harness.tick()
    job_id = doubtful(harness)
    harness.kling.tolerates = True
    unnamed(harness)
    harness.kling.find = absent  # although the rows say that this endpoint takes our ids
    harness.ticks(20, 60)
    assert state(harness, job_id) == "unknown"
    assert len(harness.kling.creates) == 2


def test_a_look_up_that_finds_what_is_there_is_proof_beside_a_list_without_names(harness):
    harness.submit()
    harness.tick()
    harness.kling.add(None)
    job_id = doubtful(harness, refusal("uncertain"))
    unnamed(harness)
    harness.ticks(90)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 3


def test_an_id_that_exists_is_never_proved_absent(harness):
    harness.kling.script = [refusal("exists")]
    (job_id,) = harness.submit()
    harness.tick()
    harness.kling.find = absent
    harness.ticks(20, 60)
    assert state(harness, job_id) == "unknown"
    assert len(harness.kling.creates) == 1

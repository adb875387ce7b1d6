"""One tick asks for every job: none may keep the others from their turn, nor the tick from its end."""

from __future__ import annotations

import json

import pytest

from kling_pipeline.jobs import poll
from kling_pipeline.storage.store import set_meta
from tests.pictures import picture
from tests.unit.conftest import Harness, refusal
from tests.unit.test_poll import finish, run
from tests.unit.test_send import state


def deaf(harness: Harness, ids: list[str], **more) -> list[str]:
    """Kling's list is empty, and it never tells of these; every look is noted."""
    names = {harness.row(one)["provider_task_id"] for one in ids}
    look, asked = harness.kling.look, list[str]()

    def some(route, name):
        asked.append(name)
        if name in names:
            raise refusal("uncertain", **more)
        return look(route, name)

    harness.kling.look, harness.kling.look_many = some, lambda *_: []
    return asked


@pytest.mark.parametrize("more", [{}, {"http_status": 502}], ids=["silent", "unreadable"])
@pytest.mark.parametrize("count", [3, 8])
def test_tasks_that_nobody_tells_of_hold_no_other_up(harness, count, more):
    """However many there are, and although they are the oldest and all due at the same moment."""
    bad = run(harness, count)
    good = run(harness, 4)
    harness.store.write(lambda db: db.execute("UPDATE job SET next_at = 1, started_at = 1"))
    asked = deaf(harness, bad, **more)
    finish(harness, *good)
    harness.ticks(6, 5)
    assert {state(harness, one) for one in good} == {"done"}
    assert {state(harness, one) for one in bad} == {"running"}
    asked.clear()
    harness.ticks(60, 5)
    assert len(asked) < count * 12, "asked for less often"


def test_what_was_not_asked_keeps_its_place(harness):
    ids = run(harness, 6)
    harness.time += 10
    harness.store.write(lambda db: db.execute("UPDATE job SET next_at = ?", [harness.engine.now()]))
    asked = deaf(harness, ids)
    before = harness.row(ids[0])["next_at"]
    harness.tick(0)
    told = {one for one in ids if harness.row(one)["provider_task_id"] in asked}
    assert len(told) == 3
    assert {one for one in ids if harness.row(one)["next_at"] == before} == set(ids) - told
    harness.tick()
    assert len(set(asked)) == 6, "at the next tick it is their turn"


def test_a_silent_endpoint_does_not_keep_the_next_one_from_its_turn(harness):
    films = run(harness, 3)
    picture = harness.pipeline.submit("local", "image_generation", {"prompt": "a vase"}).jobs[0].id
    harness.ticks(2)
    asked = deaf(harness, films)
    harness.kling.finish()
    harness.ticks(3, 10)
    assert state(harness, picture) == "done" or len(asked) > 3
    harness.ticks(3, 10)
    assert harness.job(picture)["state"] != "running"


def silent_lists(harness: Harness) -> list[str]:
    """Kling's lists bring no answer; every one that was asked for is noted."""
    asked = list[str]()

    def silent(route, *_):
        asked.append(route.path)
        raise refusal("uncertain")

    harness.kling.look_many = silent
    return asked


def test_after_a_list_that_does_not_answer_nobody_is_looked_at_alone(harness):
    ids = run(harness, 8)
    lists = silent_lists(harness)
    harness.tick(6)
    assert (len(lists), harness.kling.looks) == (1, [])
    assert {harness.row(one)["tries"] for one in ids} == {1}, "each was asked for in the list"
    harness.tick(1)
    assert len(lists) == 1, "and not at once again"


def test_silent_lists_count_as_the_patience_of_a_tick(harness):
    capabilities = {"text_to_video": {}, "image_generation": {}, "omni_image": {}}
    for name in capabilities:
        harness.pipeline.submit("local", name, {"prompt": "a vase"})
    image = harness.pipeline.upload("local", picture())["id"]
    harness.pipeline.submit("local", "image_to_video", {"prompt": "a vase", "image": image})
    harness.tick()
    lists = silent_lists(harness)
    harness.tick(60)
    assert len(lists) == len(set(lists)) == 3
    harness.tick()
    assert len(set(lists)) == 4, "at the next tick it is the last one's turn"


def test_where_only_the_list_is_silent_every_job_ends(harness):
    ids = run(harness, 8)
    lists = silent_lists(harness)
    finish(harness, *ids)
    harness.ticks(60, 20)
    assert {state(harness, one) for one in ids} == {"done"}
    assert len(harness.kling.looks) <= len(lists), "one at most after each"


def test_a_tick_that_lasts_long_stops_asking(harness, monkeypatch):
    ids = run(harness, 5)
    asked = deaf(harness, [])
    times = iter(range(0, 10_000, 40))
    monkeypatch.setattr("kling_pipeline.jobs.poll.time.monotonic", lambda: float(next(times)))
    harness.pipeline.engine.store.write(lambda db: db.execute("UPDATE job SET next_at = 1"))
    harness.tick()
    assert 0 < len(asked) < len(ids)


@pytest.mark.parametrize("where", ["look", "write", "route"])
def test_what_one_task_makes_stumble_is_its_own_trouble(harness, monkeypatch, where):
    bad, good = run(harness, 2)
    name = harness.row(bad)["provider_task_id"]
    harness.kling.look_many = lambda *_: []
    look = harness.kling.look

    def stumbling(route, task):
        if where == "look" and task == name:
            raise IndexError(task)
        return look(route, task)

    harness.kling.look = stumbling
    if where == "write":
        claim = poll.claim_task
        monkeypatch.setattr(
            poll,
            "claim_task",
            lambda db, job, task: 1 // 0 if job.id == bad else claim(db, job, task),
        )
    if where == "route":
        known = poll.route_of
        monkeypatch.setattr(
            poll,
            "route_of",
            lambda engine, job: 1 // 0 if job.id == bad else known(engine, job),
        )
    finish(harness, bad, good)
    harness.ticks(3, 10)
    assert state(harness, good) == "done"
    harness.ticks(6, 300)
    job = harness.job(bad)
    assert (job["state"], job["error"]["code"]) == ("unknown", "step_failed")
    harness.kling.look = look
    monkeypatch.undo()
    harness.pipeline.retry("local", bad)
    harness.ticks(3, 10)
    assert state(harness, bad) == "done"


def test_what_waits_for_its_owner_is_in_nobodys_way(harness):
    """It was made first, is asked for again and again, and comes last all the same."""
    undecided = harness.submit(3)
    harness.store.write(
        lambda db: db.execute("UPDATE job SET state = 'unknown', next_at = 1, started_at = 1")
    )
    [good] = harness.submit()
    due = harness.pipeline.tick()
    assert due == [good, *undecided]
    harness.ticks(3)
    harness.kling.finish()
    harness.store.write(
        lambda db: db.execute("UPDATE job SET next_at = 1 WHERE state IN ('unknown', 'running')")
    )
    assert harness.pipeline.tick() == [good, *undecided]


def test_a_list_that_tells_what_was_does_not_hold_a_take_for_ever(harness, monkeypatch):
    [job_id] = harness.submit()
    harness.ticks(3)
    kept = harness.kling.look_many(None, 1)
    harness.kling.finish()
    monkeypatch.setattr(harness.kling, "look_many", lambda *_: kept)
    harness.ticks(10, 60)
    assert harness.job(job_id)["state"] == "running", "the list is believed at first"
    harness.ticks(60, 60)
    assert harness.job(job_id)["state"] == "done"


def test_a_clock_that_was_set_back_holds_no_pool_and_no_doubt(harness):
    [job_id] = harness.submit()
    ahead = harness.engine.now() + 5 * 3_600_000

    def from_ahead(db):
        db.execute("UPDATE job SET doubt_since = ?", [ahead])
        db.execute("INSERT INTO pool VALUES ('video', 2, ?)", [ahead])
        set_meta(db, "pace:video", json.dumps({"until": ahead, "times": 3}))

    harness.store.write(from_ahead)
    harness.pipeline.resume()
    assert harness.row(job_id)["doubt_since"] <= harness.engine.now()
    harness.ticks(3)
    assert harness.job(job_id)["state"] == "running"


def test_send_it_again_outweighs_an_older_wish_to_cancel(harness):
    [job_id] = harness.submit()
    harness.store.write(
        lambda db: db.execute("UPDATE job SET state = 'unknown', cancel_asked = 1, next_at = NULL")
    )
    harness.pipeline.retry("local", job_id)
    harness.ticks(3)
    assert harness.job(job_id)["state"] == "running"


def test_what_a_list_makes_stumble_is_asked_for_one_by_one(harness, monkeypatch, caplog):
    ids = run(harness, 3)

    def stumbling(*_):
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(harness.kling, "look_many", stumbling)
    finish(harness, *ids)
    harness.ticks(4, 10)
    assert {state(harness, one) for one in ids} == {"done"}
    assert "IndexError" in caplog.text


def test_facts_that_one_job_was_frozen_with_are_not_its_neighbours(harness, monkeypatch):
    """It is the oldest at this address, and nothing that is read by its facts can be read."""
    odd, good = run(harness, 2)
    facts = {**json.loads(harness.row(odd)["endpoint"]), "result": "images"}
    harness.store.write(
        lambda db: db.execute("UPDATE job SET endpoint = ? WHERE id = ?", [json.dumps(facts), odd])
    )
    look_many, look = harness.kling.look_many, harness.kling.look

    def read(do, route, *more):
        if route.result == "images":
            raise refusal("uncertain", http_status=200)
        return do(route, *more)

    monkeypatch.setattr(harness.kling, "look_many", lambda *args: read(look_many, *args))
    monkeypatch.setattr(harness.kling, "look", lambda *args: read(look, *args))
    finish(harness, odd, good)
    harness.ticks(3, 10)
    assert (state(harness, odd), state(harness, good)) == ("running", "done")

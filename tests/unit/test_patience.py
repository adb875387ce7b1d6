"""One tick asks for every job: none may keep the others from their turn, nor the tick from its end."""

from __future__ import annotations

import json

import pytest

from kling_pipeline.jobs import poll
from kling_pipeline.storage.store import set_meta
from tests.pictures import picture
from tests.unit.conftest import Bench, refusal
from tests.unit.test_polling import finish, run
from tests.unit.test_sending import state


def deaf(bench: Bench, ids: list[str], **more) -> list[str]:
    """Kling's list is empty, and it never tells of these; every look is noted."""
    names = {bench.row(one)["provider_task_id"] for one in ids}
    look, asked = bench.kling.look, list[str]()

    def some(route, name):
        asked.append(name)
        if name in names:
            raise refusal("uncertain", **more)
        return look(route, name)

    bench.kling.look, bench.kling.look_many = some, lambda *_: []
    return asked


@pytest.mark.parametrize("more", [{}, {"http_status": 502}], ids=["silent", "unreadable"])
@pytest.mark.parametrize("count", [3, 8])
def test_tasks_that_nobody_tells_of_hold_no_other_up(bench, count, more):
    """However many there are, and although they are the oldest and all due at the same moment."""
    bad = run(bench, count)
    good = run(bench, 4)
    bench.store.write(lambda db: db.execute("UPDATE job SET next_at = 1, started_at = 1"))
    asked = deaf(bench, bad, **more)
    finish(bench, *good)
    bench.turns(6, 5)
    assert {state(bench, one) for one in good} == {"done"}
    assert {state(bench, one) for one in bad} == {"running"}
    asked.clear()
    bench.turns(60, 5)
    assert len(asked) < count * 12, "asked for less often"


def test_what_was_not_asked_keeps_its_place(bench):
    ids = run(bench, 6)
    bench.time += 10
    bench.store.write(lambda db: db.execute("UPDATE job SET next_at = ?", [bench.engine.now()]))
    asked = deaf(bench, ids)
    before = bench.row(ids[0])["next_at"]
    bench.turn(0)
    told = {one for one in ids if bench.row(one)["provider_task_id"] in asked}
    assert len(told) == 3
    assert {one for one in ids if bench.row(one)["next_at"] == before} == set(ids) - told
    bench.turn()
    assert len(set(asked)) == 6, "at the next tick it is their turn"


def test_a_silent_endpoint_does_not_keep_the_next_one_from_its_turn(bench):
    films = run(bench, 3)
    picture = bench.pipeline.submit("local", "image_generation", {"prompt": "a vase"}).jobs[0].id
    bench.turns(2)
    asked = deaf(bench, films)
    bench.kling.finish()
    bench.turns(3, 10)
    assert state(bench, picture) == "done" or len(asked) > 3
    bench.turns(3, 10)
    assert bench.job(picture)["state"] != "running"


def silent_lists(bench: Bench) -> list[str]:
    """Kling's lists bring no answer; every one that was asked for is noted."""
    asked = list[str]()

    def silent(route, *_):
        asked.append(route.path)
        raise refusal("uncertain")

    bench.kling.look_many = silent
    return asked


def test_after_a_list_that_does_not_answer_nobody_is_looked_at_alone(bench):
    ids = run(bench, 8)
    lists = silent_lists(bench)
    bench.turn(6)
    assert (len(lists), bench.kling.looks) == (1, [])
    assert {bench.row(one)["tries"] for one in ids} == {1}, "each was asked for in the list"
    bench.turn(1)
    assert len(lists) == 1, "and not at once again"


def test_silent_lists_count_as_the_patience_of_a_tick(bench):
    capabilities = {"text_to_video": {}, "image_generation": {}, "omni_image": {}}
    for name in capabilities:
        bench.pipeline.submit("local", name, {"prompt": "a vase"})
    image = bench.pipeline.upload("local", picture())["id"]
    bench.pipeline.submit("local", "image_to_video", {"prompt": "a vase", "image": image})
    bench.turn()
    lists = silent_lists(bench)
    bench.turn(60)
    assert len(lists) == len(set(lists)) == 3
    bench.turn()
    assert len(set(lists)) == 4, "at the next tick it is the last one's turn"


def test_where_only_the_list_is_silent_every_job_ends(bench):
    ids = run(bench, 8)
    lists = silent_lists(bench)
    finish(bench, *ids)
    bench.turns(60, 20)
    assert {state(bench, one) for one in ids} == {"done"}
    assert len(bench.kling.looks) <= len(lists), "one at most after each"


def test_a_tick_that_lasts_long_stops_asking(bench, monkeypatch):
    ids = run(bench, 5)
    asked = deaf(bench, [])
    times = iter(range(0, 10_000, 40))
    monkeypatch.setattr("kling_pipeline.jobs.poll.time.monotonic", lambda: float(next(times)))
    bench.pipeline.engine.store.write(lambda db: db.execute("UPDATE job SET next_at = 1"))
    bench.turn()
    assert 0 < len(asked) < len(ids)


@pytest.mark.parametrize("where", ["look", "write", "route"])
def test_what_one_task_makes_stumble_is_its_own_trouble(bench, monkeypatch, where):
    bad, good = run(bench, 2)
    name = bench.row(bad)["provider_task_id"]
    bench.kling.look_many = lambda *_: []
    look = bench.kling.look

    def stumbling(route, task):
        if where == "look" and task == name:
            raise IndexError(task)
        return look(route, task)

    bench.kling.look = stumbling
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
    finish(bench, bad, good)
    bench.turns(3, 10)
    assert state(bench, good) == "done"
    bench.turns(6, 300)
    job = bench.job(bad)
    assert (job["state"], job["error"]["code"]) == ("unknown", "step_failed")
    bench.kling.look = look
    monkeypatch.undo()
    bench.pipeline.retry("local", bad)
    bench.turns(3, 10)
    assert state(bench, bad) == "done"


def test_what_waits_for_its_owner_is_in_nobodys_way(bench):
    """It was made first, is asked for again and again, and comes last all the same."""
    undecided = bench.submit(3)
    bench.store.write(
        lambda db: db.execute("UPDATE job SET state = 'unknown', next_at = 1, started_at = 1")
    )
    [good] = bench.submit()
    due = bench.pipeline.tick()
    assert due == [good, *undecided]
    bench.turns(3)
    bench.kling.finish()
    bench.store.write(
        lambda db: db.execute("UPDATE job SET next_at = 1 WHERE state IN ('unknown', 'running')")
    )
    assert bench.pipeline.tick() == [good, *undecided]


def test_a_list_that_tells_what_was_does_not_hold_a_take_for_ever(bench, monkeypatch):
    [job_id] = bench.submit()
    bench.turns(3)
    kept = bench.kling.look_many(None, 1)
    bench.kling.finish()
    monkeypatch.setattr(bench.kling, "look_many", lambda *_: kept)
    bench.turns(10, 60)
    assert bench.job(job_id)["state"] == "running", "the list is believed at first"
    bench.turns(60, 60)
    assert bench.job(job_id)["state"] == "done"


def test_a_clock_that_was_set_back_holds_no_pool_and_no_doubt(bench):
    [job_id] = bench.submit()
    ahead = bench.engine.now() + 5 * 3_600_000

    def from_ahead(db):
        db.execute("UPDATE job SET doubt_since = ?", [ahead])
        db.execute("INSERT INTO pool VALUES ('video', 2, ?)", [ahead])
        set_meta(db, "pace:video", json.dumps({"until": ahead, "times": 3}))

    bench.store.write(from_ahead)
    bench.pipeline.resume()
    assert bench.row(job_id)["doubt_since"] <= bench.engine.now()
    bench.turns(3)
    assert bench.job(job_id)["state"] == "running"


def test_send_it_again_outweighs_an_older_wish_to_cancel(bench):
    [job_id] = bench.submit()
    bench.store.write(
        lambda db: db.execute("UPDATE job SET state = 'unknown', cancel_asked = 1, next_at = NULL")
    )
    bench.pipeline.retry("local", job_id)
    bench.turns(3)
    assert bench.job(job_id)["state"] == "running"


def test_what_a_list_makes_stumble_is_asked_for_one_by_one(bench, monkeypatch, caplog):
    ids = run(bench, 3)

    def stumbling(*_):
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(bench.kling, "look_many", stumbling)
    finish(bench, *ids)
    bench.turns(4, 10)
    assert {state(bench, one) for one in ids} == {"done"}
    assert "IndexError" in caplog.text


def test_facts_that_one_job_was_frozen_with_are_not_its_neighbours(bench, monkeypatch):
    """It is the oldest at this address, and nothing that is read by its facts can be read."""
    odd, good = run(bench, 2)
    facts = {**json.loads(bench.row(odd)["endpoint"]), "result": "images"}
    bench.store.write(
        lambda db: db.execute("UPDATE job SET endpoint = ? WHERE id = ?", [json.dumps(facts), odd])
    )
    look_many, look = bench.kling.look_many, bench.kling.look

    def read(do, route, *more):
        if route.result == "images":
            raise refusal("uncertain", http_status=200)
        return do(route, *more)

    monkeypatch.setattr(bench.kling, "look_many", lambda *args: read(look_many, *args))
    monkeypatch.setattr(bench.kling, "look", lambda *args: read(look, *args))
    finish(bench, odd, good)
    bench.turns(3, 10)
    assert (state(bench, odd), state(bench, good)) == ("running", "done")

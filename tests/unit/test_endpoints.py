"""A catalog may change while tasks are under way: what it no longer knows is asked for all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import NotFound
from kling_pipeline.jobs.endpoints import freeze_route, read_route
from tests.unit.conftest import Bench
from tests.unit.test_doctor import codes
from tests.unit.test_recovery import set_row
from tests.unit.test_sending import OPENING, state


def mixed(bench: Bench) -> list[str]:
    """A film, and a picture of a model that the brief's contract does not have."""
    film = bench.submit()[0]
    [picture] = bench.pipeline.submit(
        "local", "image_generation", {"prompt": "a vase", "model_name": "kling-v3"}
    ).jobs
    return [film, picture.id]


def under(bench: Bench, contract: str) -> None:
    """The same store under another contract."""
    bench.engine.catalog = load_catalog(contract)


def shown(bench: Bench) -> dict[str, dict[str, Any]]:
    """Every way to the rows, and the jobs by id."""
    pipeline = bench.pipeline
    assert pipeline.statement("local")
    bench.pipeline.examine()
    every = {one["id"]: one for one in pipeline.all_jobs("local")}
    assert {one["id"] for one in pipeline.jobs_since("local", 0)["jobs"]} == set(every)
    assert all(bench.job(one) for one in every)
    return every


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "of an older studio"])
@pytest.mark.parametrize("first", ["queued", "running", "saving"])
def test_jobs_under_way_end_under_another_contract(bench, first, frozen):
    ids = mixed(bench)
    if not frozen:
        bench.store.write(lambda db: db.execute("UPDATE job SET endpoint = NULL"))
    bench.turn() if first != "queued" else None
    if first == "saving":
        bench.kling.finish()
        bench.time += 6
        bench.pipeline.tick()
    assert {state(bench, one) for one in ids} == {first}
    under(bench, "brief")
    assert set(shown(bench)) == set(ids)
    bench.turns(2)
    bench.kling.finish()
    bench.turns(3, 10)
    assert {state(bench, one) for one in ids} == {"done"}
    assert len(bench.kling.creates) == 2
    assert {one["path"] for one in bench.kling.tasks.values()} == {
        "/v1/videos/text2video", "/v1/images/generations",
    }  # fmt: skip
    shown(bench)


def test_a_job_is_asked_for_where_it_was_sent_although_no_row_names_the_place(bench):
    ids = bench.submit(2)
    bench.turn()
    route = read_route(bench.engine, "text2video", None)
    moved = Route("gone", "/v1/videos/gone", route.result, route.pool)
    set_row(bench, ids[0], route="gone", endpoint=freeze_route(moved))
    paths = []
    look_many = bench.kling.look_many
    bench.kling.look_many = lambda route, *more: paths.append(route.path) or look_many(route, *more)
    bench.kling.finish()
    bench.turns(3, 10)
    assert {state(bench, one) for one in ids} == {"done"}
    assert "/v1/videos/gone" in paths


GONE = {
    "route": {"route": "gone", "endpoint": None},
    "endpoint": {"endpoint": '{"id": "x"}'},
    "damaged endpoint": {"route": "gone", "endpoint": "{"},
    "model": {"model": "kling-v0"},
    "capability": {"capability": "smell_to_video", "model": "x"},
    "says": {"says": "not json"},
    "a word of a newer studio": {"says": '{"code": "dreaming"}'},
    "outputs": {"outputs": '"x"'},
    "params": {"params": "["},
    "request": {"request": "[]"},
    "checkpoint": {"checkpoint": "null"},
    "facts of another kind": {
        "endpoint": '{"id": [], "path": [], "result": {}, "pool": 5, "dialect": null}'
    },
    "an endpoint that nobody can read": {
        "endpoint": '{"id": "x", "path": "/v1/videos/text2video", "result": "x", "pool": "video"}'
    },
    "a word that is none": {"says": '{"code": [], "said": {}}'},
    "fields that are none": {"request": '{"fields": []}'},
    "params within": {"params": '{"image": {"a": [1]}, "prompt": 5}'},
    "outputs within": {"outputs": '[1, {"url": 5}]'},
    "what is remembered": {
        "checkpoint": '{"known": [], "unheard": 5, "vain": 5, "unread": 5, "expires": "x"}'
    },
    "an error of another kind": {"error": '{"code": [], "message": 5}'},
    "all": dict.fromkeys(("says", "params", "request", "checkpoint", "outputs", "error"), "}"),
}


@pytest.mark.parametrize("columns", GONE.values(), ids=GONE)
@pytest.mark.parametrize("at", ["queued", "running", "saving"])
def test_one_row_that_is_beyond_understanding_stops_nobody_else(bench, at, columns):
    bad, *good = bench.submit(3)
    [picture] = bench.pipeline.submit("local", "image_generation", {"prompt": "a vase"}).jobs
    good.append(picture.id)
    bench.turn() if at != "queued" else None
    if at == "saving":
        bench.kling.finish()
        bench.time += 6
        bench.pipeline.tick()
    set_row(bench, bad, **columns)
    assert len(shown(bench)) == 4
    bench.turns(3)
    bench.kling.finish()
    bench.turns(4, 10)
    assert {state(bench, one) for one in good} == {"done"}
    bench.turns(8, 400)
    assert len(shown(bench)) == 4
    job = bench.job(bad)
    assert job["state"] in ("done", "failed", "unknown", "saving")
    assert job["state"] in ("done", "failed") or job["error"]["message"]
    bench.pipeline.cancel("local", bad)
    held = 0 if bench.job(bad)["state"] in ("done", "failed", "canceled") else 210
    assert bench.credits()[1] == held == 0
    assert len(bench.kling.creates) <= 4


def test_a_queued_job_of_a_model_that_no_contract_has_is_refunded_unsent(bench):
    [job_id] = bench.submit()
    set_row(bench, job_id, model="kling-v0")
    bench.turn()
    job = bench.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "model_gone")
    assert "kling-v0" in job["error"]["message"]
    assert (bench.kling.creates, bench.credits()) == ([], (OPENING, 0, 0))


def test_a_running_job_that_nobody_knows_where_to_ask_for_is_its_owners(bench):
    [job_id] = bench.submit()
    bench.turn()
    set_row(bench, job_id, route="gone", endpoint=None)
    bench.turns(4, 300)
    job = bench.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("unknown", "step_failed")
    assert "no route" in job["error"]["message"]
    assert codes(bench)["undecided"]["figures"]["job"] == job_id
    bench.turns(3, 400)
    set_row(bench, job_id, route="text2video")
    bench.kling.finish()
    bench.pipeline.retry("local", job_id)
    bench.turns(3, 10)
    assert (state(bench, job_id), len(bench.kling.creates)) == ("done", 1)


def test_the_statement_says_what_it_knows_when_a_model_is_gone(bench):
    ids = bench.submit(2)
    bench.turn()
    bench.kling.finish()
    bench.turns(3, 10)
    set_row(bench, ids[0], model="kling-v0")
    took = {one["job_id"]: one["took"] for one in bench.pipeline.statement("local")}
    assert (took[ids[0]], took[ids[1]]) == (None, 210.0)


def test_the_doctor_asks_also_where_only_jobs_of_another_contract_were_sent(bench):
    ids = mixed(bench)
    bench.turn()
    moved = Route("gone", "/v1/videos/gone", "videos", "video")
    set_row(bench, ids[0], route="gone", endpoint=freeze_route(moved))
    paths = []
    look_many = bench.kling.look_many
    bench.kling.look_many = lambda route, *more: paths.append(route.path) or look_many(route, *more)
    bench.pipeline.examine()
    assert "/v1/videos/gone" in paths


def test_the_facts_that_are_kept_are_those_that_are_asked_by(bench):
    [job_id] = bench.submit()
    kept = json.loads(bench.row(job_id)["endpoint"])
    route = bench.engine.catalog.route("text2video")
    assert kept == {
        "id": "text2video", "path": route.path, "result": "videos", "pool": "video",
        "dialect": "legacy", "find": True, "duplicate_refused": route.duplicate_refused,
    }  # fmt: skip
    with pytest.raises(NotFound):
        bench.engine.catalog.route("gone")

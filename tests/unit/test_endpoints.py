"""A catalog may change while tasks are under way: what it no longer knows is asked for all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import NotFound
from kling_pipeline.jobs.endpoints import freeze_route, read_route
from tests.unit.conftest import Harness
from tests.unit.test_doctor import codes
from tests.unit.test_recover import set_row
from tests.unit.test_send import OPENING, state


def mixed(harness: Harness) -> list[str]:
    """A film, and a picture of a model that the brief's contract does not have."""
    film = harness.submit()[0]
    [picture] = harness.pipeline.submit(
        "local", "image_generation", {"prompt": "a vase", "model_name": "kling-v3"}
    ).jobs
    return [film, picture.id]


def under(harness: Harness, contract: str) -> None:
    """The same store under another contract."""
    harness.engine.catalog = load_catalog(contract)


def shown(harness: Harness) -> dict[str, dict[str, Any]]:
    """Every way to the rows, and the jobs by id."""
    pipeline = harness.pipeline
    assert pipeline.statement("local")
    harness.pipeline.examine()
    every = {one["id"]: one for one in pipeline.all_jobs("local")}
    assert {one["id"] for one in pipeline.jobs_since("local", 0)["jobs"]} == set(every)
    assert all(harness.job(one) for one in every)
    return every


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "of an older studio"])
@pytest.mark.parametrize("first", ["queued", "running", "saving"])
def test_jobs_under_way_end_under_another_contract(harness, first, frozen):
    ids = mixed(harness)
    if not frozen:
        harness.store.write(lambda db: db.execute("UPDATE job SET endpoint = NULL"))
    harness.tick() if first != "queued" else None
    if first == "saving":
        harness.kling.finish()
        harness.time += 6
        harness.pipeline.tick()
    assert {state(harness, one) for one in ids} == {first}
    under(harness, "brief")
    assert set(shown(harness)) == set(ids)
    harness.ticks(2)
    harness.kling.finish()
    harness.ticks(3, 10)
    assert {state(harness, one) for one in ids} == {"done"}
    assert len(harness.kling.creates) == 2
    assert {one["path"] for one in harness.kling.tasks.values()} == {
        "/v1/videos/text2video", "/v1/images/generations",
    }  # fmt: skip
    shown(harness)


def test_a_job_is_asked_for_where_it_was_sent_although_no_row_names_the_place(harness):
    ids = harness.submit(2)
    harness.tick()
    route = read_route(harness.engine, "text2video", None)
    moved = Route("gone", "/v1/videos/gone", route.result, route.pool)
    set_row(harness, ids[0], route="gone", endpoint=freeze_route(moved))
    paths = []
    look_many = harness.kling.look_many
    harness.kling.look_many = lambda route, *more: (
        paths.append(route.path) or look_many(route, *more)
    )
    harness.kling.finish()
    harness.ticks(3, 10)
    assert {state(harness, one) for one in ids} == {"done"}
    assert "/v1/videos/gone" in paths


GONE = {
    "route": {"route": "gone", "endpoint": None},
    "endpoint": {"endpoint": '{"id": "x"}'},
    "damaged endpoint": {"route": "gone", "endpoint": "{"},
    "model": {"model": "kling-v0"},
    "capability": {"capability": "smell_to_video", "model": "x"},
    "says": {"status": "not json"},
    "a word of a newer studio": {"status": '{"code": "dreaming"}'},
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
    "a word that is none": {"status": '{"code": [], "said": {}}'},
    "fields that are none": {"request": '{"fields": []}'},
    "params within": {"params": '{"image": {"a": [1]}, "prompt": 5}'},
    "outputs within": {"outputs": '[1, {"url": 5}]'},
    "what is remembered": {
        "checkpoint": '{"step_results": [], "unanswered": 5, "save_failures": 5, "unread": 5, "expires": "x"}'
    },
    "an error of another kind": {"error": '{"code": [], "message": 5}'},
    "all": dict.fromkeys(("status", "params", "request", "checkpoint", "outputs", "error"), "}"),
}


@pytest.mark.parametrize("columns", GONE.values(), ids=GONE)
@pytest.mark.parametrize("at", ["queued", "running", "saving"])
def test_one_row_that_is_beyond_understanding_stops_nobody_else(harness, at, columns):
    bad, *good = harness.submit(3)
    [picture] = harness.pipeline.submit("local", "image_generation", {"prompt": "a vase"}).jobs
    good.append(picture.id)
    harness.tick() if at != "queued" else None
    if at == "saving":
        harness.kling.finish()
        harness.time += 6
        harness.pipeline.tick()
    set_row(harness, bad, **columns)
    assert len(shown(harness)) == 4
    harness.ticks(3)
    harness.kling.finish()
    harness.ticks(4, 10)
    assert {state(harness, one) for one in good} == {"done"}
    harness.ticks(8, 400)
    assert len(shown(harness)) == 4
    job = harness.job(bad)
    assert job["state"] in ("done", "failed", "unknown", "saving")
    assert job["state"] in ("done", "failed") or job["error"]["message"]
    harness.pipeline.cancel("local", bad)
    held = 0 if harness.job(bad)["state"] in ("done", "failed", "canceled") else 210
    assert harness.credits()[1] == held == 0
    assert len(harness.kling.creates) <= 4


def test_a_queued_job_of_a_model_that_no_contract_has_is_refunded_unsent(harness):
    [job_id] = harness.submit()
    set_row(harness, job_id, model="kling-v0")
    harness.tick()
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "model_gone")
    assert "kling-v0" in job["error"]["message"]
    assert (harness.kling.creates, harness.credits()) == ([], (OPENING, 0, 0))


def test_a_running_job_that_nobody_knows_where_to_ask_for_is_its_owners(harness):
    [job_id] = harness.submit()
    harness.tick()
    set_row(harness, job_id, route="gone", endpoint=None)
    harness.ticks(4, 300)
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("unknown", "step_failed")
    assert "no route" in job["error"]["message"]
    assert codes(harness)["undecided"]["figures"]["job"] == job_id
    harness.ticks(3, 400)
    set_row(harness, job_id, route="text2video")
    harness.kling.finish()
    harness.pipeline.retry("local", job_id)
    harness.ticks(3, 10)
    assert (state(harness, job_id), len(harness.kling.creates)) == ("done", 1)


def test_the_statement_says_what_it_knows_when_a_model_is_gone(harness):
    ids = harness.submit(2)
    harness.tick()
    harness.kling.finish()
    harness.ticks(3, 10)
    set_row(harness, ids[0], model="kling-v0")
    took = {one["job_id"]: one["took"] for one in harness.pipeline.statement("local")}
    assert (took[ids[0]], took[ids[1]]) == (None, 210.0)


def test_the_doctor_asks_also_where_only_jobs_of_another_contract_were_sent(harness):
    ids = mixed(harness)
    harness.tick()
    moved = Route("gone", "/v1/videos/gone", "videos", "video")
    set_row(harness, ids[0], route="gone", endpoint=freeze_route(moved))
    paths = []
    look_many = harness.kling.look_many
    harness.kling.look_many = lambda route, *more: (
        paths.append(route.path) or look_many(route, *more)
    )
    harness.pipeline.examine()
    assert "/v1/videos/gone" in paths


def test_the_facts_that_are_kept_are_those_that_are_asked_by(harness):
    [job_id] = harness.submit()
    kept = json.loads(harness.row(job_id)["endpoint"])
    route = harness.engine.catalog.route("text2video")
    assert kept == {
        "id": "text2video", "path": route.path, "result": "videos", "pool": "video",
        "dialect": "legacy", "find": True, "duplicate_refused": route.duplicate_refused,
    }  # fmt: skip
    with pytest.raises(NotFound):
        harness.engine.catalog.route("gone")

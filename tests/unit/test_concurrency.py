"""Places: what is configured is never passed, what is learned may be less, and who knows neither just asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.doctor import examine
from kling_pipeline.jobs.concurrency import read_caps
from kling_pipeline.settings import POOLS
from tests.unit.conftest import Harness, refusal
from tests.unit.test_send import OPENING


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Harness]:
    made = Harness(tmp_path)
    made.configure(studio_places={"video": 3})
    yield made
    problems = made.audit()
    made.store.close()
    assert problems == []


def states(harness: Harness, ids: list[str]) -> Counter[str]:
    return Counter(harness.row(one)["state"] for one in ids)


def caps(harness: Harness) -> dict[str, int]:
    with harness.store.read() as db:
        return read_caps(db, harness.engine)


def test_pools_are_those_of_the_declarations(harness: Harness) -> None:
    catalog = harness.engine.catalog
    named = {model.route.pool for name in catalog.capabilities for model in catalog.models(name)}
    assert named == set(POOLS)


def test_no_more_than_configured_are_sent_and_none_is_refused(small: Harness) -> None:
    ids = small.submit(4) + small.submit(4)
    small.ticks(5)
    assert states(small, ids) == {"running": 3, "queued": 5}
    assert len(small.kling.creates) == 3
    for _ in range(6):
        small.kling.finish()
        small.ticks(3, 10)
    assert states(small, ids) == {"done": 8}
    assert len(small.kling.creates) == 8, "each was asked for once"


def test_a_refusal_teaches_fewer_and_quiet_times_grow_it_to_the_configured(small: Harness) -> None:
    small.submit(2)
    small.ticks(2)
    small.kling.script = [refusal("busy", service_code=1303)]
    small.submit(1)
    small.ticks(2)
    assert caps(small) == {"video": 2}
    for _ in range(6):
        small.time += 200
        small.pipeline.resume()
    assert caps(small) == {"video": 3}


def test_waiting_jobs_say_when_by_the_configured_places(small: Harness) -> None:
    ids = small.submit(4)
    small.ticks(3)
    [waiting] = [small.job(one) for one in ids if small.row(one)["state"] == "queued"]
    assert waiting["queue_position"] == 1
    assert examine(small.engine)["pools"] == [{"name": "video", "cap": 3, "used": 3}]


def test_another_pool_is_free(small: Harness) -> None:
    assert "image" not in caps(small)


@pytest.mark.parametrize(
    ("params", "slots", "said"),
    [
        ({"n": 3}, 3, "x 3 pictures"),
        ({"model_name": "kling-v3-omni", "result_type": "series", "series_amount": "5"}, 5, "x 5 pictures"),
        ({"model_name": "kling-v3-omni", "result_type": "series", "series_amount": "auto"}, 9, "x up to 9 pictures"),
    ],
)  # fmt: skip
def test_every_picture_is_a_slot_and_is_paid(
    harness: Harness, params: dict[str, Any], slots: int, said: str
) -> None:
    """Kling docs, concurrency, Sept 2026; how many `auto` makes is its own choice, so the most counts."""
    asked = {"prompt": "a paper boat in nine moods", "aspect_ratio": "16:9", **params}
    working = harness.pipeline.quote(harness.owner, "omni_image", asked).working
    assert said in working
    [job] = harness.pipeline.submit(harness.owner, "omni_image", asked).jobs
    assert harness.row(job.id)["slots"] == slots


def test_a_full_account_teaches_the_number_of_places(harness: Harness) -> None:
    limit = 5
    create = harness.kling.create

    def limited(route: Any, body: Any, *, expires: Any, timeout: Any) -> Any:
        running = sum(task["status"] == "running" for task in harness.kling.tasks.values())
        if running >= limit:
            harness.kling.creates.append((body["external_task_id"], expires))
            raise refusal("busy", service_code=1303)
        return create(route, body, expires=expires, timeout=timeout)

    harness.kling.create = limited
    ids = harness.submit(40)
    for tick in range(400):
        harness.tick()
        if tick % 20 == 19:
            for task in harness.kling.tasks.values():
                if task["status"] == "running":
                    task["status"], task["message"] = "failed", "so that it ends"
        if all(harness.row(one)["state"] == "failed" for one in ids):
            break
    assert all(harness.row(one)["state"] == "failed" for one in ids)
    assert len(harness.kling.tasks) == 40
    assert len(harness.kling.creates) <= 60, "at most 1.5 creates a job"
    assert harness.credits() == (OPENING, 0, 0)


def test_asked_too_fast_the_pool_rests_and_no_place_is_learned(harness: Harness) -> None:
    create, sent = harness.kling.create, []

    def limited(route: Any, body: Any, *, expires: Any, timeout: Any) -> Any:
        """Three a second, however many run."""
        recent = [moment for moment in sent if moment > harness.time - 1]
        if len(recent) >= 3:
            harness.kling.creates.append((body["external_task_id"], expires))
            raise refusal("busy", service_code=1302)
        sent.append(harness.time)
        return create(route, body, expires=expires, timeout=timeout)

    harness.kling.create = limited
    ids = harness.submit(30)
    harness.ticks(40)
    assert all(harness.row(one)["state"] == "running" for one in ids)
    assert len(harness.kling.creates) <= 45, "at most 1.5 creates a job"
    with harness.store.read() as db:
        assert db.execute("SELECT * FROM pool").fetchall() == []


def test_while_others_have_the_places_the_pool_is_asked_seldom_and_learns_nothing(
    harness: Harness,
) -> None:
    create, others = harness.kling.create, 5

    def limited(route: Any, body: Any, *, expires: Any, timeout: Any) -> Any:
        running = sum(task["status"] == "running" for task in harness.kling.tasks.values())
        if running + others >= 5:
            harness.kling.creates.append((body["external_task_id"], expires))
            raise refusal("busy", service_code=1303)
        return create(route, body, expires=expires, timeout=timeout)

    harness.kling.create = limited
    ids = harness.submit(20)
    harness.ticks(30)
    assert len(harness.kling.creates) <= 6, "1, 2, 4, 8 and 16 s lie between"
    others = 0
    for _ in range(300):
        harness.tick()
        if harness.time % 10 == 0:
            harness.kling.finish("failed", "so that it ends")
    assert all(harness.row(one)["state"] == "failed" for one in ids)
    assert len(harness.kling.creates) <= 30, "at most 1.5 creates a job"

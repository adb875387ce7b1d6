"""Places: what is configured is never passed, what is learned may be less, and who knows neither just asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.doctor import diagnose
from kling_pipeline.places import read_caps
from kling_pipeline.settings import POOLS
from tests.unit.conftest import Bench, refusal


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.configure(studio_places={"video": 3})
    yield made
    problems = made.audit()
    made.store.close()
    assert problems == []


def states(bench: Bench, ids: list[str]) -> Counter[str]:
    return Counter(bench.row(one)["state"] for one in ids)


def caps(bench: Bench) -> dict[str, int]:
    with bench.store.read() as db:
        return read_caps(db, bench.engine)


def test_pools_are_those_of_the_declarations(bench: Bench) -> None:
    catalog = bench.engine.catalog
    named = {model.route.pool for name in catalog.capabilities for model in catalog.models(name)}
    assert named == set(POOLS)


def test_no_more_than_configured_are_sent_and_none_is_refused(small: Bench) -> None:
    ids = small.submit(4) + small.submit(4)
    small.turns(5)
    assert states(small, ids) == {"running": 3, "queued": 5}
    assert len(small.kling.creates) == 3
    for _ in range(6):
        small.kling.finish()
        small.turns(3, 10)
    assert states(small, ids) == {"done": 8}
    assert len(small.kling.creates) == 8, "each was asked for once"


def test_a_refusal_teaches_fewer_and_quiet_times_grow_it_to_the_configured(small: Bench) -> None:
    small.submit(2)
    small.turns(2)
    small.kling.script = [refusal("busy", service_code=1303)]
    small.submit(1)
    small.turns(2)
    assert caps(small) == {"video": 2}
    for _ in range(6):
        small.time += 200
        small.pipeline.resume()
    assert caps(small) == {"video": 3}


def test_waiting_jobs_say_when_by_the_configured_places(small: Bench) -> None:
    ids = small.submit(4)
    small.turns(3)
    [waiting] = [small.job(one) for one in ids if small.row(one)["state"] == "queued"]
    assert waiting["place"] == 1
    assert diagnose(small.engine)["pools"] == [{"name": "video", "cap": 3, "used": 3}]


def test_another_pool_is_free(small: Bench) -> None:
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
    bench: Bench, params: dict[str, Any], slots: int, said: str
) -> None:
    """Kling docs, concurrency, Sept 2026; how many `auto` makes is its own choice, so the most counts."""
    asked = {"prompt": "a paper boat in nine moods", "aspect_ratio": "16:9", **params}
    working = bench.pipeline.quote(bench.owner, "omni_image", asked)["working"]
    assert said in working
    [job] = bench.pipeline.submit(bench.owner, "omni_image", asked).jobs
    assert bench.row(job.id)["slots"] == slots

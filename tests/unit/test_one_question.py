"""A change of a form is one question: its fields are parsed once, its files measured once, the database asked once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from kling_pipeline.jobs import inputs
from kling_pipeline.storage.store import Store
from tests.pictures import picture
from tests.unit.conftest import Harness
from tests.unit.test_form import OWNER, build, widget_values

FRAMES = ("image", "image_tail")


@pytest.fixture
def counted(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often a request was parsed, a file was measured, and a connection was taken to read."""
    found: Counter[str] = Counter()
    for place, name, what in (
        (inputs, "check_rule", "files"),
        (Store, "_reader", "reads"),
        (Store, "write", "writes"),
    ):
        _count(monkeypatch, found, place, name, what)
    model = harness.engine.catalog.capability("image_to_video").request
    parse = model.model_validate

    def validate(*given: Any, **more: Any) -> BaseModel:
        found["parses"] += 1
        return parse(*given, **more)

    monkeypatch.setattr(model, "model_validate", validate)
    yield found


def _count(
    monkeypatch: pytest.MonkeyPatch, found: Counter[str], place: Any, name: str, what: str
) -> None:
    work = getattr(place, name)

    def counted(*given: Any, **more: Any) -> Any:
        found[what] += 1
        return work(*given, **more)

    monkeypatch.setattr(place, name, counted)


def filled(harness: Harness, **values: Any) -> tuple[Any, dict[str, Any]]:
    form = build(harness.pipeline, "image_to_video")  # type: ignore[arg-type]
    files = {name: harness.pipeline.upload(OWNER, picture())["id"] for name in FRAMES}
    harness.pipeline.credits(OWNER)
    return form.quotes, widget_values(form, **{"prompt": "Mist", **files, **values})


def test_a_change_is_one_question(harness: Harness, counted: Counter[str]) -> None:
    quotes, values = filled(harness)
    counted.clear()
    reply = quotes.quote(OWNER, values)
    assert (reply["state"], reply["price"]) == ("ready", 210)
    offers = [one for state in reply["field_states"].values() for one in state["offers"]]
    assert [one["delta"] for one in offers] == [140, 140], "each with its price"
    assert counted == {"parses": 1, "files": len(FRAMES), "reads": 1}


def test_so_is_one_of_a_half_filled_form(harness: Harness, counted: Counter[str]) -> None:
    quotes, values = filled(harness, prompt="")
    counted.clear()
    reply = quotes.quote(OWNER, values)
    assert (reply["state"], reply["missing"], reply["price"]) == ("blocked", ["prompt"], 210)
    assert counted == {"parses": 1, "files": len(FRAMES), "reads": 1}


def test_a_refused_value_costs_no_look_at_a_file(harness: Harness, counted: Counter[str]) -> None:
    quotes, values = filled(harness, duration="7")
    counted.clear()
    assert quotes.quote(OWNER, values)["state"] == "blocked"
    assert counted == {"parses": 1, "reads": 1}


def test_a_click_parses_and_measures_once(harness: Harness, counted: Counter[str]) -> None:
    _, values = filled(harness)
    counted.clear()
    params = {"prompt": "Mist", **{name: values[name] for name in FRAMES}}
    harness.pipeline.submit(OWNER, "image_to_video", params)
    assert (counted["parses"], counted["files"]) == (1, len(FRAMES))

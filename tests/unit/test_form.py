"""The form: widgets derive from declarations and rows, and nothing that was typed is dropped without a message."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import gradio as gr
import pytest
from pydantic import Field as Bounds

from kling_pipeline.catalog.catalog import Catalog, load_catalog
from kling_pipeline.catalog.declaration import (
    Camera,
    Capability,
    Look,
    Media,
    ModelName,
    Prompt,
    Request,
)
from kling_pipeline.catalog.limits import Limit
from kling_pipeline.errors import CreditError, InputError
from kling_pipeline.jobs.idempotency import JobRequest
from kling_pipeline.jobs.quote import FormQuote, quote_form
from tests.unit.conftest import Harness
from ui.form.field_state import read_field_states
from ui.form.fields import PART_SEP, UNSET, Field, read_fields
from ui.form.layout import Form, build_form, build_tab
from ui.form.quote import VARIANTS
from ui.form.updates import apply_update, read_object, restore
from ui.page import build_page
from ui.words import read_words
from ui.words.i18n import Labels

OWNER = "local"


class Pipeline:
    """The engine as the form sees it: a balance that the test sets, and purchases that are only noted."""

    def __init__(self, harness: Harness, catalog: Catalog) -> None:
        harness.engine.catalog = self.catalog = catalog
        self.engine = harness.engine
        self.available = 100_000
        self.settings = SimpleNamespace(demo=True, public_path="")
        self.bought: list[Any] = []

    def quote_form(self, owner: str, capability: str, params: Any, count: int = 1) -> FormQuote:
        request = JobRequest(capability, params, count)
        return replace(quote_form(self.engine, owner, request), available=self.available)

    def submit(self, owner: str, capability: str, params: Any, **more: Any) -> Any:
        price = self.quote_form(owner, capability, params, more["variant_count"]).quote.price
        if price > self.available:
            raise CreditError(price, self.available)
        self.bought.append((capability, params, more))
        return SimpleNamespace(jobs=[SimpleNamespace(label="18A")], created=True, warnings=[])

    def credits(self, owner: str) -> dict[str, Any]:
        return {"user": owner, "available": self.available, "held": 0, "spent": 0}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog("vendor")


@pytest.fixture
def pipeline(harness: Harness, catalog: Catalog) -> Pipeline:
    return Pipeline(harness, catalog)


def build(pipeline: Pipeline, capability: str) -> Form:
    with gr.Blocks():
        form = build_form(pipeline, pipeline.catalog.capability(capability))  # type: ignore[arg-type]
        build_tab(form, Labels())
    return form


def widget_values(form: Form, **values: Any) -> dict[str, Any]:
    return {name: part.value for name, part in form.components.items()} | values


def by_name(fields: list[Field]) -> dict[str, Field]:
    return {one.name: one for one in fields}


# ------------------------------------------------------------------------------------ a capability of the test's own


class Throwaway(Request):
    prompt: Prompt
    photo: Annotated[str | None, Look("media"), Media("image")] = None
    model_name: ModelName = "toy-1"
    style: Annotated[Literal["ink", "oil", "wax"] | None, Look("choice")] = None
    loud: Annotated[bool, Look("switch")] = False
    count: Annotated[int, Bounds(ge=1, le=4, strict=True), Look("number", step=1)] = 1
    seed: Annotated[int | None, Look("number", advanced=True, step=1)] = None
    weight: Annotated[float | None, Bounds(ge=0, le=1), Look("slider", advanced=True, step=0.1)] = (
        None
    )
    camera_control: Camera = None
    unused: Annotated[str | None, Look("text")] = None


THROWAWAY = Capability(
    id="throwaway",
    title="Throw away",
    group="sound",
    makes="image",
    credit_key="kling_image",
    request=Throwaway,
)


@pytest.fixture
def toy(harness: Harness, catalog: Catalog) -> Pipeline:
    names = [name for name in Throwaway.model_fields if name not in ("model_name", "unused")]
    model = replace(
        catalog.models("image_generation")[1],
        capability="throwaway",
        name="toy-1",
        limits={name: Limit() for name in names} | {"style": Limit(values=("ink", "oil"))},
        instead={},
        default=True,
    )
    return Pipeline(harness, Catalog([THROWAWAY], [model], catalog.prices))


def test_a_new_capability_gets_its_widgets(toy: Pipeline) -> None:
    form = build(toy, "throwaway")
    kinds = {name: type(part).__name__ for name, part in form.components.items()}
    assert kinds == {
        "prompt": "Textbox",
        "photo": "Textbox",  # the asset id; the picture beside it only shows it
        "model_name": "Dropdown",
        "style": "Radio",
        VARIANTS: "Radio",
        "loud": "Radio",
        "count": "Radio",
        "seed": "Textbox",  # a number box of Gradio's cannot stay empty
        "weight": "Slider",
        f"camera_control{PART_SEP}type": "Dropdown",
        f"camera_control{PART_SEP}axis": "Radio",
        f"camera_control{PART_SEP}amount": "Slider",
    }
    assert isinstance(by_name(form.fields)["photo"].previews["photo"], gr.Image)
    assert all(name.isidentifier() for name in form.components), "handlers get values by name"


def test_a_new_capability_gets_its_tab_price_and_purchase(toy: Pipeline) -> None:
    page = build_page(toy)  # type: ignore[arg-type]
    labels = json.dumps(page.get_config_file(), default=str)
    assert "t-throwaway" in labels and "f-throwaway-style" in labels
    form = build(toy, "throwaway")
    now = widget_values(form, prompt="A boat", style="ink")
    assert form.quotes.quote(OWNER, now)["state"] == "ready"
    assert form.quotes.submit(OWNER, now, "click")["take"] == "18"
    assert toy.bought[0][1] == {
        "prompt": "A boat",
        "model_name": "toy-1",
        "style": "ink",
        "loud": False,
        "count": 1,
    }


def test_words_that_are_missing_are_made_readable(toy: Pipeline) -> None:
    labels = Labels()
    labels.field("throwaway", "wild_card")
    labels.value("style", "deep_blue")
    for texts in labels.i18n().translations_dict.values():
        assert {"Wild card", "Deep blue"} <= set(texts.values())


# ------------------------------------------------------------------------------------ fields


def test_only_fields_and_values_that_some_model_takes_are_drawn(catalog: Catalog) -> None:
    fields = by_name(
        read_fields(catalog.capability("image_to_video"), catalog.models("image_to_video"))
    )
    assert fields["camera_control"].values == ("simple",)
    assert fields["duration"].values == tuple(str(n) for n in range(3, 16))
    assert "kling-v1" not in fields["model_name"].values, "it is retired"
    assert fields["cfg_scale"].auto == -0.05
    assert fields["image"].slots == ["image"]
    words = read_fields(catalog.capability("text_to_video"), catalog.models("text_to_video"))
    assert "camera_control" not in by_name(words), "no living model takes it"


@pytest.mark.parametrize("capability", ["text_to_video", "image_to_video", "image_generation"])
def test_a_widget_starts_with_the_requests_default(pipeline: Pipeline, capability: str) -> None:
    form = build(pipeline, capability)
    params, count = form.quotes.read(widget_values(form))
    fields = pipeline.catalog.capability(capability).request.model_fields
    assert count == 1
    assert params == {
        name: fields[name].default
        for name in (one.name for one in form.fields if one.name != VARIANTS)
        if not fields[name].is_required() and fields[name].default is not None
    }


def test_a_slider_left_of_its_end_is_not_asked_for(pipeline: Pipeline) -> None:
    one = by_name(build(pipeline, "image_to_video").fields)["cfg_scale"]
    assert one.read({"cfg_scale": -0.05}) is None
    assert one.read({"cfg_scale": 0}) == 0
    assert one.write(None) == {"cfg_scale": -0.05}
    assert one.write(3) is None, "out of range: no widget can hold it"


def test_a_camera_is_read_and_written(toy: Pipeline) -> None:
    one = by_name(build(toy, "throwaway").fields)["camera_control"]
    move = {"type": "simple", "config": {"tilt": -3}}
    assert one.read(one.write(move) or {}) == move
    assert one.read(one.write({"type": "down_back"}) or {}) == {"type": "down_back"}
    assert one.read(one.write(None) or {}) is None


def test_a_camera_without_a_move_has_no_axis_to_choose(toy: Pipeline) -> None:
    form = build(toy, "throwaway")
    axis, amount, kind = (f"camera_control{PART_SEP}{part}" for part in ("axis", "amount", "type"))
    for move, unused in ((UNSET, [axis, amount]), ("down_back", [axis, amount]), ("simple", [])):
        answer = form.quotes.quote("local", widget_values(form, **{kind: move}))
        assert answer["unused_slots"] == unused


def test_an_optional_number_may_stay_empty(toy: Pipeline) -> None:
    one = by_name(build(toy, "throwaway").fields)["seed"]
    assert one.write(None) == {"seed": UNSET}
    assert one.write(7) == {"seed": "7"}
    parsed = {"": None, "0": 0, "7": 7, "2.5": 2.5, "seven": "seven"}
    assert {text: one.read({"seed": text}) for text in parsed} == parsed


def test_a_list_of_files_has_a_slot_for_each(toy: Pipeline) -> None:
    media = SimpleNamespace(kind="image", most=3)
    one = Field("throwaway", "photos", Look("media"), media, None, True)  # type: ignore[arg-type]
    assert one.slots == [f"photos{PART_SEP}{n}" for n in (1, 2, 3)]
    written = one.write(["as_a", "as_b"]) or {}
    assert one.read(written) == ["as_a", "as_b"]
    assert one.write(["as_a"] * 4) is None
    assert one.read({f"photos{PART_SEP}3": "as_c"}) == ["as_c"]


# ------------------------------------------------------------------------------------ states


def field_states(pipeline: Pipeline, capability: str, **values: Any) -> dict[str, Any]:
    found = pipeline.catalog.capability(capability)
    fields = read_fields(found, pipeline.catalog.models(capability))
    whole = {one.name: one.default for one in fields} | values
    return read_field_states(fields, pipeline.quote_form(OWNER, capability, whole))


def fixes(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["fix"] for one in state["offers"]]


def test_a_field_that_needs_another_setting_is_an_offer(pipeline: Pipeline) -> None:
    found = field_states(pipeline, "image_to_video")
    assert (found["image_tail"]["how"], fixes(found["image_tail"])) == ("offer", [{"mode": "pro"}])
    assert found["sound"]["how"] == "offer"
    found = field_states(pipeline, "image_to_video", mode="pro")
    assert (found["image_tail"]["how"], found["sound"]["how"]) == ("shown", "shown")
    found = field_states(pipeline, "image_to_video", mode="pro", sound="on", image_tail="as_x")
    assert fixes(found["image_tail"]) == [{"sound": "off"}]


def test_a_field_the_model_never_takes_is_hidden(pipeline: Pipeline) -> None:
    found = field_states(pipeline, "image_to_video", model_name="kling-v2-1-master", mode="pro")
    assert found["mode"]["how"] == "hidden"
    assert found["duration"]["values"] == ["5", "10"]


def test_a_value_the_model_does_not_take_stays_and_is_refused(pipeline: Pipeline) -> None:
    found = field_states(pipeline, "image_to_video", duration="7")
    assert found["duration"]["refused"] == "7"


def test_what_needs_a_file_waits_for_it(pipeline: Pipeline) -> None:
    found = field_states(pipeline, "image_generation")
    waiting = ("image_reference", "image_fidelity", "human_fidelity")
    assert {found[name]["how"] for name in waiting} == {"hidden"}
    found = field_states(pipeline, "image_generation", image="as_x")
    assert found["image_reference"]["how"] == "shown"
    assert fixes(found["human_fidelity"]) == [{"image_reference": "subject"}]
    assert found["negative_prompt"]["how"] == "hidden", "refused beside an image"


# ------------------------------------------------------------------------------------ updates


def filled(form: Form, out: list[Any], now: dict[str, Any]) -> dict[str, Any]:
    """The widgets' values after an update."""
    assert len(out) == len(form.outputs)
    return {
        name: one.get("value", now[name]) for name, one in zip(form.components, out, strict=False)
    }


def update(form: Form, request: dict[str, Any], now: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    out = apply_update(form, OWNER, request, now)
    return filled(form, out, now), json.loads(out[-1])


def test_a_fix_changes_one_setting_and_keeps_the_rest(pipeline: Pipeline) -> None:
    form = build(pipeline, "image_to_video")
    now = widget_values(form, prompt="Mist", duration="10")
    draft, answer = update(form, {"params": {"mode": "pro"}}, now)
    assert draft == {**now, "mode": "pro"}
    assert answer["cleared"] == ["mode"]


def test_the_prompt_alone_can_be_taken_over(pipeline: Pipeline) -> None:
    form = build(pipeline, "image_to_video")
    now = widget_values(form, duration="10")
    params = {"prompt": "Rain", "duration": "5", "image": "as_x"}
    draft, _ = update(form, {"params": params, "what": "prompt"}, now)
    assert draft == {**now, "prompt": "Rain"}


def test_all_settings_replace_all_and_what_is_gone_is_named(pipeline: Pipeline) -> None:
    form = build(pipeline, "image_to_video")
    now = widget_values(form, duration="10", negative_prompt="blur", **{VARIANTS: 3})
    params = {"prompt": "Rain", "image": "as_x", "model_name": "kling-v1", "old_field": 1}
    draft, answer = update(form, {"params": params, "what": "all"}, now)
    assert (draft["prompt"], draft["duration"], draft["negative_prompt"]) == ("Rain", "5", "")
    assert draft[VARIANTS] == 3, "how many is not a setting of the take"
    assert [one["field"] for one in answer["lost"]] == ["model_name", "old_field"]


def test_a_preview_can_be_drawn_again(pipeline: Pipeline) -> None:
    form = build(pipeline, "image_to_video")
    at = len(form.components) + [slot for one in form.media for slot in one.slots].index("image")
    for asset, shown in (("", None), ("as_1", "/media/as_1")):
        now = widget_values(form, image=asset)
        assert apply_update(form, OWNER, {"params": {}}, now)[at] == gr.skip()
        value = apply_update(form, OWNER, {"params": {}, "show": "image"}, now)[at]["value"]
        assert (value and value["url"]) == shown


def test_what_no_page_sends_is_refused_and_not_an_accident() -> None:
    odd = ["[]", "5", "null", '"x"', "no", "[" * 5000, '{"params": 5}', '{"id": "\\ud800"}', [1]]
    for text in odd:
        with pytest.raises(InputError, match="not what the page sends"):
            read_object(text)  # type: ignore[arg-type]
    assert read_object("") == {}


def test_a_draft_comes_back_with_its_files(pipeline: Pipeline) -> None:
    form = build(pipeline, "image_to_video")
    draft = widget_values(form, prompt="Half a thou", image="as_abc", **{VARIANTS: 2})
    out = restore(form, OWNER, draft)
    start = widget_values(form)
    assert filled(form, out, start) == draft
    picture = out[len(form.components)]
    assert picture["value"]["url"] == "/media/as_abc"
    assert filled(form, restore(form, OWNER, None), start) == start
    assert filled(form, restore(form, OWNER, {"gone": 1}), start) == start


# ------------------------------------------------------------------------------------ words


def test_every_declared_field_and_value_has_words(catalog: Catalog) -> None:
    for capability in catalog.capabilities.values():
        for one in read_fields(capability, catalog.models(capability.id)):
            for words in (read_words("en"), read_words("zh")):
                assert f"field.{one.name}" in words, one.name
                assert f"capability.{capability.id}" in words
                for value in one.values if one.widget in ("choice", "switch") else ():
                    keys = (f"value.{one.name}.{value}", f"value.any.{value}", f"unit.{one.name}")
                    plain = not any(letter.isalpha() for letter in str(value))
                    assert plain or any(key in words for key in keys), (one.name, value)

"""What a request may leave open: null for what has a default, texts of which nothing is seen."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kling_pipeline.catalog import blanks
from kling_pipeline.catalog.blanks import is_blank
from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.catalog.request import read_request
from kling_pipeline.errors import InputError
from tests.unit.conftest import FACES, Harness
from tests.unit.plans import Plan, plan

CATALOGS = {contract: load_catalog(contract) for contract in ("vendor", "brief")}
FILES = {"image": "https://a.example/a.png", "video": "https://a.example/a.mp4"}
NEEDED: dict[str, dict[str, Any]] = {
    "text_to_video": {"prompt": "a"},
    "image_to_video": {"prompt": "a", "image": FILES["image"]},
    "image_generation": {"prompt": "a"},
    "omni_image": {"prompt": "a", "image_list": [FILES["image"]]},
    "face_swap": {"image": FILES["image"], "face_image": FILES["image"]},
    "multi_image_to_video": {"prompt": "a", "image_list": [FILES["image"]]},
    "motion_control": {"image_url": FILES["image"], "video_url": FILES["video"]},
    "lip_sync": {"video": FILES["video"], "sound_file": "https://a.example/a.mp3"},
    "multi_elements": {
        "video": FILES["video"], "prompt": "put <<<image_1>>> into <<<video_1>>>",
        "image_list": [FILES["image"]], "points": [{"x": 0.5, "y": 0.5}],
    },
}  # fmt: skip
FIELDS = [
    (name, field)
    for name, capability in CATALOGS["vendor"].capabilities.items()
    for field in capability.request.model_fields
]


def capability(name: str) -> Capability:
    return CATALOGS["vendor"].capability(name)


def errors(name: str, params: Any) -> dict[str, str]:
    with pytest.raises(InputError) as refused:
        plan(CATALOGS["vendor"], name, params)
    return dict(refused.value.fields)


@pytest.mark.parametrize("contract", CATALOGS)
@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_null_is_the_default_of_every_field(contract: str, name: str, field: str) -> None:
    catalog, known = CATALOGS[contract], NEEDED[name]
    if field in known:
        return
    left_out = plan(catalog, name, known)
    null = plan(catalog, name, known | {field: None})
    assert (null.params, null.sent, null.cost) == (left_out.params, left_out.sent, left_out.cost)


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_null_for_what_is_needed_says_so(name: str, field: str) -> None:
    if capability(name).request.model_fields[field].is_required():
        given = NEEDED[name] | {field: None}
        assert errors(name, given) == {field: "This is needed."}


def test_all_nulls_at_once_are_the_defaults(harness: Harness) -> None:
    model = capability("text_to_video").request.model_fields
    job_id = harness.submit(**{name: None for name in model if name != "prompt"})[0]
    params = harness.job(job_id)["params"]
    assert (params["mode"], params["duration"], params["aspect_ratio"]) == ("std", "5", "16:9")
    assert (params["model_name"], params["sound"]) == ("kling-v2-6", "off")


def test_an_unknown_field_is_unknown_with_null_too() -> None:
    assert errors("text_to_video", {"prompt": "a", "colour": None}) == {
        "colour": "There is no such field."
    }


CAMERA = {"prompt": "a", "image": FILES["image"], "model_name": "kling-v1-5", "mode": "pro"}


def test_null_inside_a_camera_move_is_its_default() -> None:
    axes = dict.fromkeys(("horizontal", "vertical", "pan", "tilt", "roll"))
    moved = plan(
        CATALOGS["vendor"],
        "image_to_video",
        CAMERA | {"camera_control": {"type": None, "config": axes | {"zoom": 4}}},
    )
    assert moved.sent["camera_control"]["type"] == "simple"
    assert moved.sent["camera_control"]["config"] == {**dict.fromkeys(axes, 0), "zoom": 4}
    still = {"camera_control": {"type": "down_back", "config": None}}
    given = read_request(capability("text_to_video"), {"prompt": "a", **still})
    assert given["camera_control"] == {"type": "down_back", "config": None}
    move = {"type": None, "config": {"zoom": 4}}
    assert errors("text_to_video", {"prompt": "a", "camera_control": move}) == {
        "camera_control": "This is needed."
    }
    assert (
        "exactly one"
        in errors("image_to_video", CAMERA | {"camera_control": {"config": {"zoom": None}}})[
            "camera_control"
        ]
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("omni_image", {"image_list": [None]}),
        ("omni_image", {"image_list": [FILES["image"], {"image": None}]}),
        ("multi_elements", {"points": [None]}),
        ("multi_elements", {"points": [{"x": 0.5, "y": None}]}),
    ],
)
def test_an_entry_of_a_list_has_no_default(name: str, change: dict[str, Any]) -> None:
    assert errors(name, NEEDED[name] | change) == dict.fromkeys(change, "This is needed.")


def test_null_leaves_what_a_session_began_with(harness: Harness) -> None:
    session = harness.add_session("lip_sync", FACES, video=FILES["video"])
    given = {"session": session, "text": "Good morning to you.", "voice_id": "oversea_male1"}
    quote = harness.pipeline.quote(harness.owner, "lip_sync", given | {"video": None})
    assert quote.params["video"] == FILES["video"]


def test_a_call_of_a_session_takes_null_as_well() -> None:
    calls = {call.id: call for name in NEEDED for call in capability(name).calls}
    spoken = {"text": "hello", "voice_id": "a", "voice_language": None, "voice_speed": None}
    read = calls["tts"].asks.model_validate(spoken)
    assert read.model_dump() == {**spoken, "voice_language": "en", "voice_speed": 1.0}
    mark = {"frame_index": None, "points": [{"x": 0, "y": 1}]}
    assert calls["add-selection"].asks.model_validate(mark).model_dump()["frame_index"] == 0


UNSEEN = [
    "", " ", "\n\t", "\u200b\u2060\ufeff", "\u200b", "\u200c\u200d", "\u00ad", "\u00a0\u3000\u2003", "\u2028\u2029",
    "\x00\x1f\x7f\x85", "\u3164", "\u115f\u1160\uffa0", "\u2800\u2800", "\ufe0f\ufe0e", "\U000e0100\U000e01ef",
    "\U000e0001\U000e0061\U000e007f", "\U000e0fff\u2065\ufff0", "\u0301\u0308", "\u034f\u17b4\u180b\u180e", 
    "\u202a\u202e\u2066\u2069", "\u2061\u2062\u2063\u2064", "\U0001d159\U0001d173", "\u20e3", "\ufffc",
    " \u200b \u2800 ",
]  # fmt: skip
SEEN = [
    "a", ".", "\u200ba\u200b", "👨\u200d👩\u200d👧", "❤\ufe0f", "🏴\U000e0067\U000e0062\U000e007f", "1\ufe0f\u20e3",
    "می\u200cخواهم",
    "क्\u200dष", "e\u0301", "한", "ㅤ한", "⠁", "\ue000", "\U0001fbff", "船", "+", "©",
]  # fmt: skip
TEXTS = [
    (name, field)
    for name, field in FIELDS
    if capability(name).looks()[field].widget in ("prompt", "text")
]


@pytest.mark.parametrize("text", UNSEEN)
def test_a_text_of_which_nothing_is_seen_is_blank(text: str) -> None:
    assert is_blank(text)


def test_each_character_is_looked_up_once_and_a_long_text_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def look(one: str) -> bool:
        asked.append(one)
        return True

    monkeypatch.setattr(blanks, "_is_unseen", look)
    assert is_blank("\u200b \n" * 100_000)
    assert sorted(asked) == ["\n", " ", "\u200b"]
    asked.clear()
    for value in ({"image": " " * 100_000}, {"image": "x", "negative_prompt": " " * 100_000}):
        errors("image_to_video", {"prompt": "\t", **value})
    assert set(asked) <= {"x", "\t"}


@pytest.mark.parametrize("text", SEEN)
def test_and_one_of_which_something_is_seen_is_not(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize(("field", "text"), [*itertools.product(TEXTS, UNSEEN)])
def test_what_nobody_can_see_is_no_text(field: tuple[str, str], text: str) -> None:
    name, field_name = field
    given = NEEDED[name] | {field_name: text}
    if field == ("lip_sync", "text"):
        assert (
            errors(name, given | {"sound_file": None})["sound_file"]
            == "Give it a sound or a text to speak."
        )
    elif field_name == "prompt" and name != "motion_control":
        assert errors(name, given) == {"prompt": "The prompt is empty. Say what happens."}
    else:
        read = read_request(capability(name), given)
        assert read[field_name] is None


@pytest.mark.parametrize(("field", "text"), [*itertools.product(TEXTS, SEEN)])
def test_what_can_be_seen_stays_as_it_is(field: tuple[str, str], text: str) -> None:
    name, field_name = field
    read = read_request(capability(name), NEEDED[name] | {field_name: f" {text}\n"})
    assert read[field_name] == f" {text}\n"


@pytest.mark.parametrize("text", UNSEEN)
def test_nothing_is_spoken_and_no_file_is_meant_by_it(text: str) -> None:
    speak = next(call for call in capability("lip_sync").calls if call.id == "tts").asks
    with pytest.raises(ValueError, match="This is needed"):
        speak.model_validate({"text": text, "voice_id": "oversea_male1"})
    given = NEEDED["omni_image"] | {"image_list": [text]}
    assert errors("omni_image", given) == {"image_list": "This is needed."}
    assert errors("image_to_video", NEEDED["image_to_video"] | {"image": text}) == {
        "image": "This is needed."
    }
    tail = plan(
        CATALOGS["vendor"], "image_to_video", NEEDED["image_to_video"] | {"image_tail": text}
    )
    assert "image_tail" not in tail.sent


def _frames(references: int, **more: Any) -> Plan:
    given = {"prompt": "a", "image": FILES["image"], "image_list": [FILES["image"]] * references}
    return plan(CATALOGS["vendor"], "multi_image_to_video", given | more)


@pytest.mark.parametrize("references", range(7))
def test_o1_takes_a_first_frame_beside_references(references: int) -> None:
    assert _frames(references).parsed.model.name == "kling-video-o1"


def test_only_an_end_frame_excludes_a_third_picture() -> None:
    tail = {"image_tail": FILES["image"]}
    _frames(0, **tail)
    for references in (1, 5):
        with pytest.raises(InputError) as refused:
            _frames(references, **tail)
        assert refused.value.findings[0].id == "tail_crowded"
        assert refused.value.fields.keys() == {"image_tail"}
        _frames(references, model_name="kling-v3-omni", **tail)
    for more in ({}, {"model_name": "kling-v3-omni"}):
        with pytest.raises(InputError, match="8 pictures with the frames; Kling takes 7"):
            _frames(7, **more)


@pytest.mark.parametrize(
    ("name", "model", "change"),
    [
        *(
            (name, model, {"cfg_scale": 0.8})
            for name in ("text_to_video", "image_to_video")
            for model in ("kling-v2-6", "kling-v2-5-turbo", "kling-v2-master", "kling-v2-1-master")
        ),
        *(
            ("image_generation", model, {"image": FILES["image"], "image_reference": "face"})
            for model in ("kling-v2", "kling-v2-new", "kling-v3")
        ),
        ("image_generation", "kling-v3", {"image": FILES["image"], "human_fidelity": 0.9}),
        ("image_generation", "kling-v2-1", {"image": FILES["image"], "human_fidelity": 0.9}),
        ("text_to_video", "kling-v2-1-master", {"sound": "on"}),
    ],
)
def test_what_a_model_would_ignore_is_not_sent_and_said(
    name: str, model: str, change: dict[str, Any]
) -> None:
    made = plan(CATALOGS["vendor"], name, NEEDED[name] | {"model_name": model} | change)
    unsent = list(change)[-1]
    assert unsent not in made.sent
    found = {one.field: one for one in made.warnings}[unsent]
    assert found.id.startswith("not_sent_")
    assert (found.severity, made.params[unsent]) == ("warning", change[unsent])

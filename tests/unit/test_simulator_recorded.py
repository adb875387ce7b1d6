"""Behaviour recorded from the real service: unknown models, ignored fields, task objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kling_pipeline.simulator.api import v1_responses, v2_responses
from kling_pipeline.simulator.rules.loader import Rules
from kling_pipeline.simulator.tasks.task import Task
from tests.unit.simulator_client import (
    BOAT,
    FIRST,
    FRAME,
    I2V,
    IMAGE,
    IMAGES,
    OMNI,
    T2V,
    WORDS,
    SimulatorClient,
    error_of,
)

TAIL = {"image_url": IMAGE, "type": "end_frame"}
REFERENCE = {"image_url": IMAGE}
ELEMENT = {"element_id": 160}


@pytest.fixture(scope="module", params=["vendor", "brief"])
def kling(request: pytest.FixtureRequest) -> Iterator[SimulatorClient]:
    with SimulatorClient(
        slots={"video": 10_000, "image": 10_000}, contract=request.param
    ) as client:
        yield client


FAMILIES = ("text-to-video", "image-to-video", "omni-video", "motion-control")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "model",
    ["kling-9", "kling-v3", "KLING-3.0", "kling-3.0%2F", "%20", "elements", "kling-3.0 ", "模型"],
)
@pytest.mark.parametrize("body", [{}, {"prompt": "a", "contents": [WORDS, FIRST]}])
def test_an_unknown_model_in_a_path_is_not_supported(
    kling: SimulatorClient, family: str, model: str, body: dict[str, Any]
) -> None:
    assert kling.rejected(f"/{family}/{model}", body) == "model is not supported"


def test_a_model_of_another_family_is_not_supported(kling: SimulatorClient) -> None:
    rules = Rules("vendor", {})
    families = [one for one in rules.endpoints.values() if one.is_v2]
    names = {name for one in families for name in one.models}
    for one in families:
        for name in names - one.models.keys():
            assert kling.rejected(f"{one.path}/{name}", {"prompt": "a"}) == "model is not supported"


@pytest.mark.parametrize(
    ("method", "path", "response"),
    [
        ("POST", "/omni-video", (404, 1203)),
        ("POST", "/omni-video/", (404, 1203)),
        ("POST", "/OMNI-VIDEO/kling-o1", (404, 1203)),
        ("POST", "/omni-image/kling-9", (404, 1203)),
        ("POST", "/omni-video/kling-o1/more", (404, 1203)),
        ("POST", "/v1/videos/omni", (404, 1203)),
        ("GET", "/omni-video/kling-9", (404, 1202)),
    ],
)
def test_an_unknown_path_does_not_exist(
    kling: SimulatorClient, method: str, path: str, response: tuple[int, int]
) -> None:
    assert error_of(kling.http.request(method, path))[:2] == response


def test_the_key_is_checked_before_the_model(kling: SimulatorClient) -> None:
    shown = kling.http.post("/omni-video/kling-9", json={}, headers={"authorization": "Bearer x"})
    assert error_of(shown)[:2] == (401, 1002)


@pytest.mark.parametrize("path", [T2V, I2V, OMNI, IMAGES])
@pytest.mark.parametrize("model", ["kling-9", "KLING-V3", "kling-3.0"])
def test_an_unknown_model_in_a_body_is_invalid(
    kling: SimulatorClient, path: str, model: str
) -> None:
    message = kling.rejected(
        path, BOAT | {"model_name": model, "image": IMAGE, "aspect_ratio": "1:1"}
    )
    assert message == f"model_name value '{model}' is invalid"


FEATURE = {"video_url": "https://example.com/a.mp4", "refer_type": "feature"}


@pytest.mark.parametrize("references", range(7))
def test_o1_takes_a_first_frame_beside_references(kling: SimulatorClient, references: int) -> None:
    body = {"prompt": "a", "image_list": [FRAME, *[REFERENCE] * references]}
    kling.create(OMNI, body)
    contents = [WORDS, FIRST, *[{"type": "refer_image", "url": IMAGE}] * references]
    kling.create("/omni-video/kling-o1", {"contents": contents})


@pytest.mark.parametrize(
    ("model", "images", "message"),
    [
        ("kling-video-o1", [FRAME, TAIL], ""),
        ("kling-video-o1", [FRAME, TAIL, REFERENCE], "end_frame is not supported with more than 2"),
        ("kling-video-o1", [FRAME, *[REFERENCE] * 7], "At most 7 images and elements"),
        ("kling-v3-omni", [FRAME, TAIL, REFERENCE, REFERENCE], ""),
        ("kling-v3-omni", [FRAME, *[REFERENCE] * 6], ""),
        ("kling-v3-omni", [TAIL, REFERENCE], "end_frame requires first_frame"),
    ],
)
def test_only_an_end_frame_excludes_a_third_image(
    kling: SimulatorClient, model: str, images: list[dict[str, str]], message: str
) -> None:
    body = {"model_name": model, "prompt": "a", "image_list": images}
    if message:
        assert message in kling.rejected(OMNI, body)
    else:
        kling.create(OMNI, body)


def test_elements_count_as_references_of_o1(kling: SimulatorClient) -> None:
    body = {"prompt": "a", "image_list": [FRAME, REFERENCE], "duration": "7"}
    kling.create(OMNI, body | {"element_list": [ELEMENT] * 5})
    message = kling.rejected(OMNI, body | {"element_list": [ELEMENT] * 6})
    assert message == "At most 7 images and elements are allowed in total."


@pytest.mark.parametrize(
    "model", ["kling-v2-6", "kling-v2-5-turbo", "kling-v2-master", "kling-v2-1-master"]
)
@pytest.mark.parametrize("scale", [0, 0.5, 0.8, 1.0])
def test_cfg_scale_is_accepted_and_ignored_by_v2_models(
    kling: SimulatorClient, model: str, scale: float
) -> None:
    for path, change in ((T2V, {}), (I2V, {"image": IMAGE})):
        task = kling.create_and_wait(
            path, BOAT | change | {"model_name": model, "cfg_scale": scale}
        )
        assert task["task_status"] == "succeed"
    message = kling.rejected(T2V, BOAT | {"model_name": model, "cfg_scale": 1.1})
    assert message == "cfg_scale out of range. Please provide a value between 0 and 1."


@pytest.mark.parametrize("model", ["kling-v2", "kling-v2-new", "kling-v3", "kling-v1"])
def test_image_reference_is_accepted_and_ignored(kling: SimulatorClient, model: str) -> None:
    body = {"model_name": model, "prompt": "a", "image": IMAGE, "image_reference": "face"}
    kling.create(IMAGES, body)
    kling.create(IMAGES, body | {"human_fidelity": 0.9, "image_fidelity": 0.1})
    del body["image"]
    assert kling.rejected(IMAGES, body) == "image_reference requires image"
    wrong = body | {"image": IMAGE, "image_reference": "hand"}
    assert kling.rejected(IMAGES, wrong) == "image_reference value 'hand' is invalid"


@pytest.mark.parametrize(
    "change",
    [{"human_fidelity": 0.9}, {"image": IMAGE, "image_reference": "face", "human_fidelity": 0.46}],
)
def test_a_fidelity_without_its_subject_has_no_effect(
    kling: SimulatorClient, change: dict[str, Any]
) -> None:
    kling.create(IMAGES, {"model_name": "kling-v2-1", "prompt": "a"} | change)


def test_camera_control_is_accepted_where_the_vendors_client_sends_it(
    kling: SimulatorClient,
) -> None:
    move = {"type": "simple", "config": {"horizontal": 0.5}}
    body = BOAT | {"camera_control": move}
    kling.create(T2V, body | {"model_name": "kling-v1-6"})
    for model in ("kling-v2-6", "kling-v2-5-turbo", "kling-v2-1-master", "kling-v3"):
        message = kling.rejected(T2V, body | {"model_name": model})
        assert message == "Camera control is not supported by the current model"


def test_fields_that_the_2_1_master_ignores_cost_nothing(kling: SimulatorClient) -> None:
    shots = {"multi_shot": True, "shot_type": "intelligence"}
    for change in ({"sound": "on", "voice_list": [{"voice_id": "1"}]}, shots):
        task = kling.create_and_wait(T2V, BOAT | {"model_name": "kling-v2-1-master"} | change)
        assert task["final_unit_deduction"] == "10"
    loud = BOAT | {"model_name": "kling-v2-5-turbo", "sound": "on"}
    assert kling.rejected(T2V, loud) == "Sound is not supported by the current model"


TASK_FIELDS = {
    "task_id",
    "task_status",
    "task_status_msg",
    "task_info",
    "task_result",
    "created_at",
    "updated_at",
}
UNMARKED: dict[str, Any] = {
    "/v1/audio/text-to-audio": {"prompt": "rain", "duration": 3},
    "/v1/audio/video-to-audio": {"video_url": "https://example.com/a.mp4"},
    "/v1/general/ai-multi-shot": {"element_frontal_image": IMAGE},
}


@pytest.mark.parametrize("path", [*UNMARKED, T2V])
def test_a_task_object_has_the_fields_of_its_page(kling: SimulatorClient, path: str) -> None:
    body = UNMARKED.get(path, BOAT) | {"watermark_info": {"enabled": True}}
    created = kling.create(path, body)
    assert created.keys() == TASK_FIELDS - {"task_status_msg", "task_result"}
    marked = set() if path in UNMARKED else {"watermark_info"}
    task = kling.wait(path, created["task_id"])
    assert task.keys() == TASK_FIELDS | marked | {"final_unit_deduction"}
    results = [one for kind in task["task_result"].values() for one in kind]
    assert any("watermark_url" in one for one in results) == bool(marked)
    listed = kling.get(path).json()["data"][0]
    assert listed["task_id"] == created["task_id"]
    assert listed.keys() == task.keys()


@pytest.mark.parametrize("path", ["/text-to-video/kling-3.0", "/image-to-video/kling-3.0"])
def test_a_v2_create_has_an_empty_message(kling: SimulatorClient, path: str) -> None:
    body = {"prompt": "a"} if path.startswith("/text") else {"contents": [WORDS, FIRST]}
    shown = kling.create(path, body)
    assert shown["message"] == ""
    assert shown.keys() == {"id", "status", "message", "create_time", "update_time"}


def _task(**change: Any) -> Task:
    task = Task(
        task_id="1", external_id="mine", family="text2video", model="kling-v3", created_at=1, start_at=2,
        due_at=3, end_at=3, outcome="succeed", message="", units="3", pool="video", slots=1, seed=1,
        watermark=True, callback_url="", info={},
        result={"videos": [{"id": "2", "url": "file:a.mp4", "duration": "5.0"}]},
    )  # fmt: skip
    return replace(task, **change)


def _link(file: str, made_at: int) -> str:
    return f"https://example.com/{file}"


def test_a_v1_callback_names_every_kind_of_result() -> None:
    video = {"id": "2", "url": "https://example.com/a.mp4", "duration": "5.0"}
    for moment, videos, units in (
        (1, [], set()),
        (2, [], set()),
        (3, [video], {"final_unit_deduction"}),
    ):
        body = v1_responses.callback_body(_link, _task(), moment)
        assert body["task_result"] == {"images": [], "videos": videos, "audios": []}
        assert body.keys() == TASK_FIELDS | units
    image = {"result_type": "series", "series_images": [{"index": 0, "url": "file:a.png"}]}
    series = v1_responses.callback_body(_link, _task(result=image), 3)["task_result"]
    assert (series["images"], series["videos"], series["audios"]) == ([], [], [])
    assert series["series_images"][0]["url"] == "https://example.com/a.png"


def test_a_v2_callback_lists_every_field_of_its_page() -> None:
    body = v2_responses.callback_body(_link, _task(external_id=""), 3)
    names = (
        "id",
        "status",
        "message",
        "create_time",
        "update_time",
        "external_id",
        "outputs",
        "billing",
    )
    assert body.keys() == set(names)
    assert (body["external_id"], body["message"]) == ("", "")

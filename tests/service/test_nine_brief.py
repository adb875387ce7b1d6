"""Contract `brief`: the table of the brief to the letter, all nine in one studio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.nine import SPOT, Asked, House, check_done, house


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("brief")
    with house(folder, "--contract", "brief", KLING_CONTRACT="brief") as started:
        yield started


@pytest.fixture(scope="module")
def nine(app: House) -> dict[str, tuple[Asked, str]]:
    """What the brief's table says: capability to request, path and default model."""
    files, film = app.files(), app.film()
    scene, face = files["scene"], files["face"]
    images = {"prompt": "<<<image_1>>> with <<<image_2>>>", "image_list": [scene, face]}
    edit = {"prompt": "swap the boat in <<<video_1>>> for <<<image_1>>>", "image_list": [face]}
    rows: dict[str, tuple[dict[str, Any], int, str, str, str]] = {
        "face_swap": (
            {"image": scene, "face_image": face},
            28, "/v1/images/omni-image", "8", "kling-image-o1",
        ),
        "omni_image": (images, 28, "/v1/images/omni-image", "8", "kling-image-o1"),
        "image_generation": (
            {"prompt": "a vase"}, 14, "/v1/images/generations", "4", "kling-v2-1"
        ),
        "image_to_video": (
            {"prompt": "it turns", "image": scene},
            210, "/v1/videos/image2video", "1.5", "kling-v2-6",
        ),
        "text_to_video": (
            {"prompt": "a boat"}, 210, "/v1/videos/text2video", "1.5", "kling-v2-6"
        ),
        "multi_image_to_video": (
            images, 210, "/v1/videos/multi-image2video", "1.5", "kling-v2-5-turbo"
        ),
        "motion_control": (
            {"image_url": face, "video_url": film, "prompt": "she dances"},
            350, "/v1/videos/motion/generation", "2.5", "kling-v2-5-turbo",
        ),
        "lip_sync": (
            {"video": film, "sound_file": files["sound"]}, 70, "/v1/videos/lipsync", "0.5", ""
        ),
        "multi_elements": (
            {"video": film, "points": [SPOT], **edit},
            420, "/v1/videos/multi-elements", "3", "kling-v1-6",
        ),
    }  # fmt: skip
    return {
        name: (
            Asked(params, price, path, units, "image" if "/images/" in path else "video"), model
        )
        for name, (params, price, path, units, model) in rows.items()
    }  # fmt: skip


def test_all_nine_go_to_the_briefs_paths_with_its_models(app: House, nine) -> None:
    jobs = {name: app.submit(name, asked.params)[0] for name, (asked, _) in nine.items()}
    for name, (asked, model) in nine.items():
        done = check_done(app, jobs[name], asked)
        assert app.task(done)["model"] == model, name


def test_a_picture_forces_the_model_for_it(app: House) -> None:
    scene = app.files()["scene"]
    (job,) = app.submit("image_generation", {"prompt": "in winter", "image": scene})
    asked = Asked({}, 28, "/v1/images/generations", "8", "image")
    assert app.task(check_done(app, job, asked))["model"] == "kling-v1-5"


@pytest.mark.parametrize("capability", ["text_to_video", "image_to_video"])
def test_the_omni_model_is_taken_where_the_brief_has_it(app: House, capability: str) -> None:
    params = {"prompt": "a boat", "model_name": "kling-video-o1"}
    if capability == "image_to_video":
        params["image"] = app.files()["scene"]
    (job,) = app.submit(capability, params)
    path = "/v1/videos/" + capability.replace("_to_", "2")
    asked = Asked({}, 420, path, "3")
    assert app.task(check_done(app, job, asked))["model"] == "kling-video-o1"


def test_only_the_briefs_models_are_offered(app: House) -> None:
    rows = app.http.get("/api/capabilities").json()["capabilities"]
    offered = {row["id"]: {model["name"] for model in row["models"]} for row in rows}
    assert len(offered) == 9
    for row in rows:
        named = row["schema"]["properties"].get("model_name", {}).get("default")
        assert named in (None, *(one["name"] for one in row["models"] if one["default"]))
    assert offered["multi_image_to_video"] == {"kling-v2-5-turbo"}
    assert offered["omni_image"] == {"kling-image-o1"}
    assert offered["motion_control"] == {"kling-v2-5-turbo", "kling-v1-6"}
    answer = app.http.post(
        "/api/quote",
        json={"capability": "text_to_video", "params": {"prompt": "x", "model_name": "kling-v3"}},
    )
    assert list(answer.json()["error"]["fields"]) == ["model_name"]

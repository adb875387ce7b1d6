"""Models of the simulator: switched on and off, only in the brief, new by a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.simulator_client import Simulated, picture, refusal, sound

T2V = "/v1/videos/text2video"
IMAGES = "/v1/images/generations"
P = picture()
REMOTE = "https://example.com/film.mp4"
BOAT: dict[str, Any] = {"model_name": "kling-v2-6", "prompt": "a paper boat"}


def _camera(kind: str = "simple", **config: float) -> dict[str, Any]:
    return {"type": kind, "config": config} if config else {"type": kind}


CAMERA: list[tuple[dict[str, Any], str]] = [
    (_camera(), "camera_control config must have exactly one non-zero value"),
    (_camera(pan=1, tilt=1), "camera_control config must have exactly one non-zero value"),
    (_camera("forward_up", pan=1), "config is only supported when type is simple"),
    (_camera(pan=11), "camera_control.config.pan out of range"),
    ({"config": {"pan": 1}}, "camera_control.type is required"),
]


@pytest.mark.parametrize(("control", "message"), CAMERA)
def test_a_camera_moves_in_one_way(control: dict[str, Any], message: str) -> None:
    with Simulated(model_states={"kling-v1": "at_risk"}) as kling:
        body = BOAT | {"model_name": "kling-v1"}
        kling.made(T2V, body | {"camera_control": _camera("down_back")})
        status, code, text = refusal(kling.post(T2V, body | {"camera_control": control}))
        assert (status, code) == (400, 1201)
        assert message in text


def test_a_model_can_be_switched_off() -> None:
    with Simulated(model_states={"kling-v2-6": "retired"}) as kling:
        assert refusal(kling.post(T2V, BOAT))[2] == (
            "The model 'kling-v2-6' has been discontinued and is no longer available."
        )


def test_only_the_brief_has_its_own_models_and_paths() -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        (T2V, {"model_name": "kling-video-o1", "prompt": "a"}),
        (IMAGES, {"model_name": "kling-image-o1", "prompt": "a"}),
        ("/v1/videos/motion/generation", {"image_url": P, "prompt": "a"}),
        ("/v1/videos/lipsync", {"video_url": REMOTE, "audio_url": sound()}),
        (
            "/v1/videos/multi-image2video",
            {"model_name": "kling-v2-5-turbo", "prompt": "a", "image_list": [{"image": P}]},
        ),
    ]
    with Simulated() as vendor, Simulated(contract="brief") as brief:
        for path, body in bodies:
            assert vendor.post(path, body).status_code in (400, 404)
            brief.made(path, body)


def test_a_new_model_is_a_row(tmp_path: Path) -> None:
    rows = tmp_path / "more.toml"
    rows.write_text(
        "[[model]]\n"
        'name = "kling-v7"\non = ["text2video"]\nstate = "alive"\n'
        'modes = ["std"]\nseconds = ["3"]\nprice = { std = "0.1" }\n'
    )
    body = {"model_name": "kling-v7", "prompt": "a", "duration": "3"}
    with Simulated(rules=rows) as kling:
        assert kling.ended(T2V, body)["final_unit_deduction"] == "0.3"
        kling.made(T2V, BOAT)
        five = body | {"duration": "5"}
        assert "duration value '5' is not supported" in refusal(kling.post(T2V, five))[2]

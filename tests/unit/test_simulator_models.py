"""Models of the simulator: retired ones, those of the brief contract, new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.simulator_client import (
    IMAGE,
    IMAGES,
    T2V,
    SimulatorClient,
    error_of,
    wav_base64,
)

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
def test_camera_control_is_validated(control: dict[str, Any], message: str) -> None:
    with SimulatorClient(model_states={"kling-v1": "at_risk"}) as kling:
        body = BOAT | {"model_name": "kling-v1"}
        kling.create(T2V, body | {"camera_control": _camera("down_back")})
        status, code, text = error_of(kling.post(T2V, body | {"camera_control": control}))
        assert (status, code) == (400, 1201)
        assert message in text


def test_a_model_can_be_retired() -> None:
    with SimulatorClient(model_states={"kling-v2-6": "retired"}) as kling:
        assert error_of(kling.post(T2V, BOAT))[2] == (
            "The model 'kling-v2-6' has been discontinued and is no longer available."
        )


def test_only_the_brief_contract_has_its_own_models_and_paths() -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        (T2V, {"model_name": "kling-video-o1", "prompt": "a"}),
        (IMAGES, {"model_name": "kling-image-o1", "prompt": "a"}),
        ("/v1/videos/motion/generation", {"image_url": IMAGE, "prompt": "a"}),
        ("/v1/videos/lipsync", {"video_url": REMOTE, "audio_url": wav_base64()}),
        (
            "/v1/videos/multi-image2video",
            {"model_name": "kling-v2-5-turbo", "prompt": "a", "image_list": [{"image": IMAGE}]},
        ),
    ]
    with SimulatorClient() as vendor, SimulatorClient(contract="brief") as brief:
        for path, body in bodies:
            assert vendor.post(path, body).status_code in (400, 404)
            brief.create(path, body)


def test_a_rules_file_adds_a_model(tmp_path: Path) -> None:
    rows = tmp_path / "more.toml"
    rows.write_text(
        "[[model]]\n"
        'name = "kling-v7"\non = ["text2video"]\nstate = "alive"\n'
        'modes = ["std"]\nseconds = ["3"]\nprice = { std = "0.1" }\n'
    )
    body = {"model_name": "kling-v7", "prompt": "a", "duration": "3"}
    with SimulatorClient(rules=rows) as kling:
        assert kling.create_and_wait(T2V, body)["final_unit_deduction"] == "0.3"
        kling.create(T2V, BOAT)
        five = body | {"duration": "5"}
        assert "duration value '5' is not supported" in error_of(kling.post(T2V, five))[2]

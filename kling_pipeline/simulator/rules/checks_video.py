"""Check fields of text, image and edit to video together (Kling docs, Mar to Sept 2026)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.rules.create_request import CreateRequest, edits_video

_PROMPT_SHOT = re.compile(r"(?:^|;)\s*shot\s+\d+\s*,\s*(\d+)\s*,([^;]*)", re.IGNORECASE)


def _shots(request: CreateRequest) -> None:
    body = request.body
    if "multi_prompt" in body and body.get("shot_type") != "customize":
        raise invalid("multi_prompt is only supported when shot_type is customize")
    if not request.is_on("multi_shot"):
        return
    if "shot_type" not in body:
        raise invalid("shot_type is required when multi_shot is true")
    if body["shot_type"] != "customize":
        return
    if "multi_prompt" not in body:
        raise invalid("multi_prompt is required when shot_type is customize")
    shots = body["multi_prompt"]
    if [shot["index"] for shot in shots] != list(range(1, len(shots) + 1)):
        raise invalid("multi_prompt index must start from 1 and be consecutive")
    lengths = [shot["duration"] for shot in shots]
    if not all(length.isdecimal() and int(length) >= 1 for length in lengths):
        raise invalid("multi_prompt duration must be a whole number of seconds, at least 1")
    if sum(map(int, lengths)) != int(request.seconds):
        raise invalid("The sum of multi_prompt durations must equal duration")


def _prompt_unless_shots(request: CreateRequest) -> None:
    own_shots = request.is_on("multi_shot") and request.body.get("shot_type") == "customize"
    if "prompt" not in request.body and not own_shots:
        raise invalid("prompt is required")


def _prompt_shots(request: CreateRequest) -> None:
    """Check `shot n, m, words;` in a prompt (Kling docs, 3.0 family, Sept 2026)."""
    reads_shots = request.model is not None and request.model.row.get("worded_shots")
    if not reads_shots or request.body.get("multi_shot") is False or edits_video(request.body):
        return
    shots = _PROMPT_SHOT.findall(request.body.get("prompt", ""))
    if len(shots) > 6:
        raise invalid("At most 6 shots are allowed in the prompt.")
    if any(int(seconds) < 1 for seconds, _ in shots):
        raise invalid("A shot must last at least 1 second")
    if any(len(words.strip()) > 512 for _, words in shots):
        raise invalid("A shot must not exceed 512 characters")
    if shots and sum(int(seconds) for seconds, _ in shots) != int(request.seconds):
        raise invalid("The sum of the shots' seconds must equal duration")


def _camera(request: CreateRequest) -> None:
    control = request.body.get("camera_control")
    if control is None:
        return
    allowed = request.model.row.get("camera_types") if request.model else None
    if allowed and control["type"] not in allowed:
        raise invalid(
            f"camera_control type '{control['type']}' is not supported by the current model"
        )
    if control["type"] != "simple":
        if "config" in control:
            raise invalid("camera_control config is only supported when type is simple")
        return
    moves = [move for move in control.get("config", {}).values() if move]
    if len(moves) != 1:
        raise invalid("camera_control config must have exactly one non-zero value")


def _edit_images(request: CreateRequest) -> None:
    given = len(request.body.get("image_list", []))
    low, high = {"addition": (1, 2), "swap": (1, 1), "removal": (0, 0)}[request.body["edit_mode"]]
    if not low <= given <= high:
        raise invalid(
            f"image_list must have {low} to {high} images when edit_mode is {request.body['edit_mode']}"
        )


def _edit_prompt(request: CreateRequest) -> None:
    images = range(1, len(request.body.get("image_list", [])) + 1)
    for name in ("video_1", *(f"image_{index}" for index in images)):
        if f"<<<{name}>>>" not in request.body["prompt"]:
            raise invalid(f"prompt must refer to <<<{name}>>>")


CHECKS: Mapping[str, Callable[[CreateRequest], None]] = {
    "shots": _shots,
    "prompt_unless_shots": _prompt_unless_shots,
    "worded_shots": _prompt_shots,
    "camera": _camera,
    "edit_images": _edit_images,
    "edit_prompt": _edit_prompt,
}

"""Rules of editing, lip-sync, effects and outpainting that span several fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kling_pipeline.simulator.ask import Ask
from kling_pipeline.simulator.body import check_exactly_one
from kling_pipeline.simulator.errors import invalid


def _edit_images(ask: Ask) -> None:
    given = len(ask.body.get("image_list", []))
    low, high = {"addition": (1, 2), "swap": (1, 1), "removal": (0, 0)}[ask.body["edit_mode"]]
    if not low <= given <= high:
        raise invalid(
            f"image_list must have {low} to {high} images when edit_mode is {ask.body['edit_mode']}"
        )


def _edit_prompt(ask: Ask) -> None:
    images = range(1, len(ask.body.get("image_list", [])) + 1)
    for name in ("video_1", *(f"image_{index}" for index in images)):
        if f"<<<{name}>>>" not in ask.body["prompt"]:
            raise invalid(f"prompt must refer to <<<{name}>>>")


def _old_lip_sync(ask: Ask) -> None:
    given = ask.body["input"]
    check_exactly_one(("video_id", "video_url"), given)
    if given["mode"] == "text2video":
        needed = ["text", "voice_id"]
    elif "audio_type" not in given:
        raise invalid("Audio type is null")
    else:
        needed = ["audio_" + str(given["audio_type"])]
    for name in needed:
        if name not in given:
            raise invalid(f"{name} is required")


def _expansion(ask: Ask) -> None:
    up, down, left, right = (
        ask.body[f"{side}_expansion_ratio"] for side in ("up", "down", "left", "right")
    )
    if (1 + up + down) * (1 + left + right) > 3:
        raise invalid("The area after expansion must not exceed 3 times the original")


def _speech_speed(ask: Ask) -> None:
    speed = ask.body.get("voice_speed", 1)
    if round(speed, 1) != speed:
        raise invalid("voice_speed must have at most one decimal place")


def _sound_length(ask: Ask) -> None:
    if round(ask.body["duration"], 1) != ask.body["duration"]:
        raise invalid("duration must have at most one decimal place")


CHECKS: Mapping[str, Callable[[Ask], None]] = {
    "edit_images": _edit_images,
    "edit_prompt": _edit_prompt,
    "old_lip_sync": _old_lip_sync,
    "expansion": _expansion,
    "speech_speed": _speech_speed,
    "sound_length": _sound_length,
}

"""Check fields of lip-sync, speech and sound together (Kling docs, Sept 2026)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.rules.fields import check_exactly_one


def _old_lip_sync(request: CreateRequest) -> None:
    given = request.body["input"]
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


def _speech_speed(request: CreateRequest) -> None:
    speed = request.body.get("voice_speed", 1)
    if round(speed, 1) != speed:
        raise invalid("voice_speed must have at most one decimal place")


def _sound_length(request: CreateRequest) -> None:
    if round(request.body["duration"], 1) != request.body["duration"]:
        raise invalid("duration must have at most one decimal place")


CHECKS: Mapping[str, Callable[[CreateRequest], None]] = {
    "old_lip_sync": _old_lip_sync,
    "speech_speed": _speech_speed,
    "sound_length": _sound_length,
}

"""Check the media of a request together with its body, sessions, voices and scenes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.inputs.probe import TOLERANCE_SECONDS, InputFile
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.rules.fields import check_exactly_one
from kling_pipeline.simulator.rules.loader import Rules

_NO_OVERLAP = "The sound must overlap the time of the face by at least 2 seconds"


class Lookup(Protocol):
    """What the checks look up: rules, and records of earlier requests (see context.Context)."""

    @property
    def rules(self) -> Rules: ...  # noqa: D102

    def find_media(self, kind: str, id_: str) -> dict[str, Any]: ...  # noqa: D102

    def find_session(self, kind: str, id_: str) -> dict[str, Any]: ...  # noqa: D102


def check_inputs(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    """Apply the `material_checks` of an endpoint in rules.toml; raises ApiError 1201."""
    for name in request.endpoint.row.get("material_checks", []):
        _CHECKS[name](lookup, request, inputs)


def _seconds(inputs: Sequence[InputFile], role: str) -> float:
    return next((m.seconds for m in inputs if m.role == role), 0)


def _reference_video(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    video = next((m for m in inputs if m.role == "reference_video" and m.seconds), None)
    if video is None or request.model is None:
        return
    low, high = request.model.row["footage_seconds"]
    if not low - TOLERANCE_SECONDS <= video.seconds <= high + TOLERANCE_SECONDS:
        raise invalid(f"video duration must be between {low}s and {high}s for the current model")
    if "footage_sides" in request.model.row:
        _reference_video_shape(video, request.model.row)


def _reference_video_shape(video: InputFile, row: Mapping[str, Any]) -> None:
    low, high = row["footage_sides"]
    if not low <= min(video.width, video.height) <= max(video.width, video.height) <= high:
        raise invalid(f"{video.name} width and height must be between {low}px and {high}px")
    low, high = row["footage_ratio"]
    if not low <= video.width / video.height <= high:
        raise invalid(f"{video.name} aspect ratio must be between {low} and {high}")
    if video.width * video.height > row["footage_area"]:
        raise invalid(f"{video.name} area must not exceed {row['footage_area']} pixels")


def _motion_length(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    seconds = _seconds(inputs, "motion")
    if request.body.get("character_orientation") == "image" and seconds > 10 + TOLERANCE_SECONDS:
        raise invalid("video duration must not exceed 10s when character_orientation is image")


def _extendable(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    parent = lookup.find_media("video_id", request.body["video_id"])
    if parent["family"] not in ("text2video", "image2video", "video-extend"):
        raise invalid("The video can not be extended")
    if parent["model"] not in ("kling-v1", "kling-v1-5", "kling-v1-6"):
        raise invalid("Video extension is not supported by the model of the video")
    if _seconds(inputs, "base_video") + 5 > 180 + TOLERANCE_SECONDS:
        raise invalid("The total duration of the video must not exceed 3 minutes")


def _edit_length(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    seconds = _seconds(inputs, "base_video")
    if seconds and 5 + TOLERANCE_SECONDS < seconds < 7 - TOLERANCE_SECONDS:
        raise invalid("video duration must be between 2s and 5s or between 7s and 10s")


def _edit_session(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    session = lookup.find_session("selection", request.body["session_id"])
    if request.body["edit_mode"] != "addition" and not session["marks"]:
        raise invalid("No selection in the session, call add-selection first")
    fitting = "5" if session["seconds"] <= 5 + TOLERANCE_SECONDS else "10"
    if request.seconds != fitting:
        raise invalid(f"duration must be '{fitting}' for a video of {session['seconds']:g}s")


def _lip_sync(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    session = lookup.find_session("face", request.body["session_id"])
    choice: Mapping[str, Any] = request.body["face_choose"][0]
    face = next((f for f in session["faces"] if f["face_id"] == choice["face_id"]), None)
    if face is None:
        raise invalid(f"face_id {choice['face_id']} not found in the session")
    check_exactly_one(("audio_id", "sound_file"), choice)
    begin, end = choice["sound_start_time"], choice["sound_end_time"]
    if end - begin < 2000:
        raise invalid("The cropped sound must be at least 2 seconds long")
    sound = _seconds(inputs, "sound") * 1000
    if sound and end > sound + 1000 * TOLERANCE_SECONDS:
        raise invalid("sound_end_time must not exceed the length of the sound")
    first = choice["sound_insert_time"]
    last = first + end - begin
    if last > session["seconds"] * 1000 + 1000 * TOLERANCE_SECONDS:
        raise invalid("The sound must lie inside the video")
    if min(last, face["end_time"]) - max(first, face["start_time"]) < 2000:
        raise invalid(_NO_OVERLAP)


def _voice(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    given = request.body.get("input", request.body)
    if "voice_id" not in given:
        return
    if given["voice_id"] not in lookup.rules.voices[given.get("voice_language", "zh")]:
        raise invalid("Voice id not found")


def _effect(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    scene, given = request.body["effect_scene"], request.body["input"]
    scenes = lookup.rules.scenes
    if scene in scenes["retired"]:
        raise invalid(f"The effect_scene '{scene}' has been discontinued")
    if scene in scenes["dual"]:
        wanted, other = "images", "image"
    elif scene in scenes["single"]:
        wanted, other = "image", "images"
    else:
        raise invalid(f"effect_scene value '{scene[:80]}' is invalid")
    if wanted not in given or other in given:
        raise invalid(f"input.{wanted} is required for effect_scene {scene}, and no {other}")


def _same_ratio(lookup: Lookup, request: CreateRequest, inputs: Sequence[InputFile]) -> None:
    frame = next((m for m in inputs if m.role == "first_frame" and m.width), None)
    for mask in inputs:
        if frame and mask.role == "mask" and mask.width:
            ratio = mask.width / mask.height
            if abs(ratio / (frame.width / frame.height) - 1) > 0.02:
                raise invalid(f"{mask.name} must have the same aspect ratio as image")


_CHECKS: Mapping[str, Callable[[Lookup, CreateRequest, Sequence[InputFile]], None]] = {
    "footage": _reference_video,
    "motion_length": _motion_length,
    "extendable": _extendable,
    "edit_length": _edit_length,
    "edit_session": _edit_session,
    "lip_sync": _lip_sync,
    "voice": _voice,
    "effect": _effect,
    "same_ratio": _same_ratio,
}

"""Translate v2 bodies into the flat fields of v1, so that one set of rules checks both."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.rules.fields import is_given

_log = logging.getLogger(__name__)
_MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}
_FRAMES = {"first_frame": "first_frame", "last_frame": "end_frame"}
_ONCE = {
    ("new-image2video", "first_frame"): "image",
    ("new-image2video", "last_frame"): "image_tail",
    ("new-motion-control", "image"): "image_url",
    ("new-motion-control", "video"): "video_url",
}
_RATIO_FAMILIES = ("new-text2video", "new-omni-video")
_RATIOS = ("16:9", "9:16", "1:1")
_OPTIONS = ("callback_url", "external_task_id", "watermark_info")
_SETTINGS = (
    "aspect_ratio", "audio", "character_orientation", "duration", "multi_shot", "resolution",
)  # fmt: skip


def to_v1_body(family: str, model: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a v2 body (Kling docs, new standard, Sept 2026); raises ApiError 1201.

    Checks the layout only; the rules of the v1 endpoint check the values.
    """
    contents = _contents(family, body)
    settings = _object(body, "settings", _SETTINGS)
    flat: dict[str, Any] = {"model_name": model, **_object(body, "options", _OPTIONS)}
    flat["prompt"] = body.get("prompt")
    flat["aspect_ratio"] = _ratio(family, settings)
    flat["character_orientation"] = settings.get("character_orientation")
    flat["mode"] = _mode(settings)
    flat["duration"] = _duration(settings)
    flat |= _sound(family, settings.get("audio"))
    if "multi_shot" in settings:
        flat["multi_shot"] = settings["multi_shot"]
        # v2 leaves the shots to the model, which v1 calls this.
        flat["shot_type"] = "intelligence" if settings["multi_shot"] is True else None
    for index, item in enumerate(contents):
        _add_content(family, flat, index, item)
    for video in flat.get("video_list", []):
        video["keep_original_sound"] = "yes" if settings.get("audio") == "original" else "no"
    return flat


def _object(body: Mapping[str, Any], name: str, known: Sequence[str]) -> Mapping[str, Any]:
    """Return the known fields that are given: any other could pass for a v1 field."""
    value = body.get(name)
    if not is_given(value):
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    for key in value.keys() - set(known):
        _log.info("unknown field %s.%s ignored", name, key)
    return {key: value[key] for key in known if is_given(value.get(key))}


def _contents(family: str, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    contents = body.get("contents")
    if not is_given(contents):
        # Text to video has its prompt outside of `contents`.
        if family == "new-text2video":
            return []
        raise invalid("contents cannot be empty")
    if not isinstance(contents, list):
        raise invalid("contents value type is invalid, expected array")
    if not all(isinstance(item, dict) for item in contents):
        raise invalid("contents must be a list of objects")
    return contents


def _ratio(family: str, settings: Mapping[str, Any]) -> str | None:
    ratio = settings.get("aspect_ratio")
    if family in _RATIO_FAMILIES and ratio not in (None, *_RATIOS):
        raise invalid(f"settings.aspect_ratio value '{ratio}' is invalid")
    return None if ratio is None else str(ratio)


def _mode(settings: Mapping[str, Any]) -> str:
    resolution = settings.get("resolution", "720p")
    if not isinstance(resolution, str) or resolution not in _MODES:
        raise invalid(f"settings.resolution value '{resolution}' is invalid")
    return _MODES[resolution]


def _duration(settings: Mapping[str, Any]) -> str | None:
    seconds = settings.get("duration")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise invalid("settings.duration must be an integer")
    return str(seconds)


def _sound(family: str, audio: object) -> dict[str, Any]:
    if audio not in (None, "native", "original", "off"):
        raise invalid(f"settings.audio value '{audio}' is invalid")
    if family == "new-motion-control":
        if audio == "native":
            raise invalid("settings.audio value 'native' is invalid")
        return {"keep_original_sound": "no" if audio == "off" else "yes"}
    if audio == "original" and family != "new-omni-video":
        raise invalid("settings.audio value 'original' is invalid")
    return {"sound": "on" if audio == "native" else None}


def _add_content(family: str, flat: dict[str, Any], index: int, item: Mapping[str, Any]) -> None:
    kind = item.get("type")
    if not isinstance(kind, str):
        raise invalid(f"contents[{index}].type value '{kind}' is invalid")
    if kind == "prompt":
        flat["prompt"] = _required(
            item, "text", "content item of type 'prompt' must have non-blank text"
        )
    elif kind == "element" and family != "new-text2video":
        element = _required(item, "element_id", "Invalid element id: ")
        flat.setdefault("element_list", []).append({"element_id": element})
    elif kind == "voice" and family == "new-image2video":
        flat.setdefault("voice_list", []).append({"voice_id": item.get("voice_id")})
    elif (family, kind) in _ONCE:
        field = _ONCE[family, kind]
        if field in flat:
            raise invalid(f"At most 1 {kind} item is allowed in contents.")
        flat[field] = _url(kind, item)
    elif family == "new-omni-video" and kind in (*_FRAMES, "refer_image"):
        frame = {"type": _FRAMES[kind]} if kind in _FRAMES else {}
        flat.setdefault("image_list", []).append({"image_url": _url(kind, item), **frame})
    elif family == "new-omni-video" and kind in ("feature_video", "base_video"):
        use = {"video_url": _url(kind, item), "refer_type": kind.removesuffix("_video")}
        flat.setdefault("video_list", []).append(use)
    else:
        raise invalid(f"contents[{index}].type value '{kind}' is invalid")


def _url(kind: str, item: Mapping[str, Any]) -> Any:
    return _required(item, "url", f"content item of type '{kind}' must have a non-blank url")


def _required(item: Mapping[str, Any], name: str, message: str) -> Any:
    value = item.get(name)
    if not is_given(value) or (isinstance(value, str) and not value.strip()):
        raise invalid(message)
    return value

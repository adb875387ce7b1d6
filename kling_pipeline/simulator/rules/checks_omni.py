"""Check fields of omni video together (Kling docs, omni video, Sept 2026)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.rules.create_request import CreateRequest


def _frames_of(request: CreateRequest) -> list[str]:
    return [item["type"] for item in request.body.get("image_list", []) if "type" in item]


def _video_use(request: CreateRequest) -> str:
    videos = request.body.get("video_list", [])
    return str(videos[0].get("refer_type", "base")) if videos else ""


def _frames(request: CreateRequest) -> None:
    frames = _frames_of(request)
    for kind in ("first_frame", "end_frame"):
        if frames.count(kind) > 1:
            raise invalid(f"At most 1 {kind} item is allowed in image_list.")
    if "end_frame" in frames and "first_frame" not in frames:
        raise invalid("end_frame requires first_frame in image_list")
    limit = request.model.row.get("end_frame_with_at_most") if request.model else None
    if "end_frame" in frames and limit and len(request.body["image_list"]) > limit:
        raise invalid(f"end_frame is not supported with more than {limit} images")


def _counts(request: CreateRequest) -> None:
    given = len(request.body.get("image_list", [])) + len(request.body.get("element_list", []))
    limit = 4 if "video_list" in request.body else 7
    if given > limit:
        raise invalid(f"At most {limit} images and elements are allowed in total.")


def _base_edit(request: CreateRequest) -> None:
    if _video_use(request) != "base":
        return
    if _frames_of(request):
        raise invalid("first_frame and end_frame are not supported when editing a base video")
    if request.is_on("multi_shot"):
        raise invalid("multi_shot is not supported when editing a base video")


def _feature(request: CreateRequest) -> None:
    if _video_use(request) != "feature" or request.model is None:
        return
    # A model without the field need not have it set.
    if request.body.get("multi_shot") is False and "multi_shot" in request.model.supports:
        raise invalid("multi_shot must be true with a feature video")
    if request.body["video_list"][0].get("keep_original_sound") == "yes":
        raise invalid("audio must be off with a feature video")
    if "end_frame" in _frames_of(request) and request.model.row.get("feature_without_end_frame"):
        raise invalid("end_frame is not supported with a feature video by the current model")


def _frame_elements(request: CreateRequest) -> None:
    limits = request.model.row.get("elements_with_frames") if request.model else None
    frames = _frames_of(request)
    if not limits or not frames:
        return
    limit = limits[len(frames) - 1]
    if len(request.body.get("element_list", [])) > limit:
        words = f"At most {limit} elements are allowed" if limit else "elements are not supported"
        raise invalid(f"{words} with {' and '.join(frames)}")


def _ratio(request: CreateRequest) -> None:
    # In v2 any reference video sets the ratio, in v1 only an edited one.
    uses = request.endpoint.row.get("ratio_from", ["base"])
    follows = "first_frame" in _frames_of(request) or _video_use(request) in uses
    if not follows and "aspect_ratio" not in request.body:
        raise invalid("aspect_ratio is required without a first frame or a base video")


def _seconds(request: CreateRequest) -> None:
    allowed = request.model.row.get("plain_seconds") if request.model else None
    if not allowed or "video_list" in request.body:
        return
    frames, images = _frames_of(request), request.body.get("image_list", [])
    only_first = frames == ["first_frame"] and len(images) == 1
    plain = (only_first or not images) and "element_list" not in request.body
    if plain and request.seconds not in allowed:
        raise invalid("Duration only supports 5 or 10 seconds when no refer_image is provided")


CHECKS: Mapping[str, Callable[[CreateRequest], None]] = {
    "omni_frames": _frames,
    "omni_counts": _counts,
    "omni_base_edit": _base_edit,
    "omni_feature": _feature,
    "omni_frame_elements": _frame_elements,
    "omni_ratio": _ratio,
    "omni_seconds": _seconds,
}

"""Plan the result of a request: one render job for each of its files."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from kling_pipeline.drawing.job import Box, Kind, RenderJob
from kling_pipeline.simulator.inputs.probe import InputFile
from kling_pipeline.simulator.rules.create_request import CreateRequest, edits_video

_SHORT_SIDE = {"720p": 720, "1080p": 1080, "4k": 2160}
_MODE_SIZES = {"std": "720p", "pro": "1080p", "4k": "4k"}
_IMAGE_SCALE = {"1k": 1, "2k": 2, "4k": 4}
_IMAGE_SIZES = {
    "1:1": (1024, 1024), "16:9": (1360, 768), "9:16": (768, 1360), "4:3": (1184, 880),
    "3:4": (880, 1184), "3:2": (1248, 832), "2:3": (832, 1248), "21:9": (1568, 672),
}  # fmt: skip
_MAX_SIDE = 2048
_SUFFIXES: dict[Kind, str] = {"video": "mp4", "image": "png", "audio": "wav"}
_RATIO_ROLES = ("first_frame", "end_frame", "base_video", "motion")
_FACE_SWAP = re.compile(r"(?i)(replac|swap|exchang).*\bface|\bface.*(replac|swap|exchang)|换.*脸")
_IMAGE_REFERENCE = re.compile(r"<<<image_(\d+)>>>")


def placeholder_job(file: str, seed: int) -> RenderJob:
    """Make the job of a video in place of one at a remote address."""
    return RenderJob(file, "video", "text2video", seed, "a person looks into the camera")


def result_seconds(request: CreateRequest, inputs: Sequence[InputFile]) -> float:
    """Tell how many seconds the result lasts: as asked, or as its input does."""
    row = request.endpoint.row
    edits = edits_video(request.body)
    length_role = "reference_video" if edits else row.get("length_of", row.get("parent"))
    input_seconds = next((m.seconds for m in inputs if m.role == length_role and m.seconds), 0)
    if row.get("session") == "face" and input_seconds:
        return round(input_seconds, 3)
    asked = (
        request.seconds
        or request.body.get("duration")
        or request.body.get("input", {}).get("duration")
    )
    if input_seconds and (edits or not asked):
        return round(input_seconds + float(row.get("longer_by", 0)), 3)
    return float(asked or row.get("length", 5))


def result_size(request: CreateRequest, inputs: Sequence[InputFile]) -> tuple[int, int]:
    """Tell the width and height in pixels; a video follows the ratio of its first frame."""
    if request.endpoint.makes == "image":
        return _image_size(request, inputs)
    row = request.model.row if request.model else {}
    short = _SHORT_SIDE[row.get("size", _MODE_SIZES.get(request.mode, "720p"))]
    area = short * short * 16 / 9
    guide = next((m for m in inputs if m.width and m.role in _RATIO_ROLES), None)
    if guide is not None:
        ratio = guide.width / guide.height
    else:
        wide, high = map(int, str(request.body.get("aspect_ratio", "16:9")).split(":"))
        ratio = wide / high
    return _even(math.sqrt(area * ratio)), _even(math.sqrt(area / ratio))


def plan_render(
    request: CreateRequest,
    inputs: Sequence[InputFile],
    task_id: str,
    seed: int,
    face_box: Box | None = None,
) -> list[RenderJob]:
    """List the render jobs of a task in the order of its results."""
    width, height = result_size(request, inputs)
    row = request.endpoint.row
    kind: Kind = row["makes"]
    first = RenderJob(
        file=f"{task_id}-0.{_SUFFIXES[kind]}",
        kind=kind,
        scene=row.get("scene", request.endpoint.family),
        seed=seed,
        prompt=request.prompt_text,
        width=width,
        height=height,
        fps=int(request.model.row.get("fps", 24)) if request.model else 24,
        seconds=result_seconds(request, inputs) if kind != "image" else 0,
        sound=request.is_on("sound") or bool(row.get("sound")) or _always_sounds(request),
        pictures=_images(request, inputs),
        film=_data(inputs, _shown_video_roles(request)),
        voice=_data(inputs, ("sound",)),
        timing=_timing(request),
        face_box=face_box,
    )
    jobs = [
        replace(first, file=f"{task_id}-{index}.{_SUFFIXES[kind]}", seed=seed + index)
        for index in range(request.image_count)
    ]
    if row.get("also_sound"):
        jobs.append(replace(first, file=f"{task_id}-1.wav", kind="audio"))
    return jobs


def _always_sounds(request: CreateRequest) -> bool:
    return request.model is not None and bool(request.model.row.get("always_sound"))


def _images(request: CreateRequest, inputs: Sequence[InputFile]) -> tuple[tuple[str, bytes], ...]:
    face = _face_image_index(request)
    return tuple(
        ("face" if index == face else m.role, m.data)
        for index, m in enumerate(inputs)
        if m.data is not None and m.kind == "image"
    )


def _shown_video_roles(request: CreateRequest) -> tuple[str, ...]:
    """Name the roles of input videos that the result shows."""
    roles = ("base_video", "motion")
    return (*roles, "reference_video") if edits_video(request.body) else roles


def _data(inputs: Sequence[InputFile], roles: Sequence[str]) -> bytes | None:
    return next((m.data for m in inputs if m.role in roles and m.kind != "image"), None)


def _timing(request: CreateRequest) -> tuple[int, int, int] | None:
    if "face_choose" not in request.body:
        return None
    choice = request.body["face_choose"][0]
    return choice["sound_start_time"], choice["sound_end_time"], choice["sound_insert_time"]


def _face_image_index(request: CreateRequest) -> int | None:
    """Find the image whose face is used: the one that a prompt about faces names last."""
    if request.endpoint.family != "omni-image" or not _FACE_SWAP.search(request.prompt_text):
        return None
    named = _IMAGE_REFERENCE.findall(request.prompt_text)
    return int(named[-1]) - 1 if named else None


def _image_size(request: CreateRequest, inputs: Sequence[InputFile]) -> tuple[int, int]:
    base = next((m for m in inputs if m.role == "base" and m.width), None)
    if base is not None:
        return _expanded_size(request, base)
    scale = _IMAGE_SCALE.get(request.mode, 1)
    ratio = str(request.body.get("aspect_ratio", request.endpoint.row.get("ratio", "16:9")))
    if ratio == "auto":
        ratio = _nearest_ratio(inputs)
    width, height = _IMAGE_SIZES[ratio]
    return width * scale, height * scale


def _expanded_size(request: CreateRequest, base: InputFile) -> tuple[int, int]:
    up, down, left, right = (
        float(request.body.get(f"{side}_expansion_ratio", 0))
        for side in ("up", "down", "left", "right")
    )
    width, height = base.width * (1 + left + right), base.height * (1 + up + down)
    shrink = min(1.0, _MAX_SIDE / max(width, height))
    return _even(width * shrink), _even(height * shrink)


def _nearest_ratio(inputs: Sequence[InputFile]) -> str:
    measured = [m.width / m.height for m in inputs if m.width]
    ratio = measured[0] if measured else 1.0
    return min(
        _IMAGE_SIZES, key=lambda r: abs(math.log(_IMAGE_SIZES[r][0] / _IMAGE_SIZES[r][1] / ratio))
    )


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)

"""Plan what a request has drawn: one render job for each file of its result."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace

from kling_pipeline.drawing.job import Kind, RenderJob
from kling_pipeline.simulator.media import Material
from kling_pipeline.simulator.rules.create_request import CreateRequest, edits_video

_SHORT_SIDE = {"720p": 720, "1080p": 1080, "4k": 2160}
_QUALITY = {"std": "720p", "pro": "1080p", "4k": "4k"}
_PICTURE_SCALE = {"1k": 1, "2k": 2, "4k": 4}
_PICTURES = {
    "1:1": (1024, 1024), "16:9": (1360, 768), "9:16": (768, 1360), "4:3": (1184, 880),
    "3:4": (880, 1184), "3:2": (1248, 832), "2:3": (832, 1248), "21:9": (1568, 672),
}  # fmt: skip
_LONGEST = 2048
_LONGEST_TEXT = 4096
_ENDINGS: dict[Kind, str] = {"video": "mp4", "image": "png", "audio": "wav"}
_GUIDES = ("first_frame", "end_frame", "base_video", "motion")
_FACE_SWAP = re.compile(r"(?i)(replac|swap|exchang).*\bface|\bface.*(replac|swap|exchang)|换.*脸")
_NAMED = re.compile(r"<<<image_(\d+)>>>")
_OWN = ("external_task_id", "callback_url", "watermark_info", "model_name", "session_id")


def stand_in(file: str, seed: int) -> RenderJob:
    """Order a video in place of one that is at an address elsewhere."""
    return RenderJob(file, "video", "text2video", seed, "a person looks into the camera")


def length(request: CreateRequest, materials: Sequence[Material]) -> float:
    """Tell how many seconds the result lasts: as asked, or as its input does."""
    row = request.endpoint.row
    edits = edits_video(request.body)
    follow = "reference_video" if edits else row.get("length_of", row.get("parent"))
    followed = next((m.seconds for m in materials if m.role == follow and m.seconds), 0)
    if row.get("session") == "face" and followed:
        return round(followed, 3)
    asked = (
        request.seconds
        or request.body.get("duration")
        or request.body.get("input", {}).get("duration")
    )
    if followed and (edits or not asked):
        return round(followed + float(row.get("longer_by", 0)), 3)
    return float(asked or row.get("length", 5))


def size(request: CreateRequest, materials: Sequence[Material]) -> tuple[int, int]:
    """Tell the pixels of the result; a video follows the ratio of its first frame."""
    if request.endpoint.makes == "image":
        return _picture_size(request, materials)
    row = request.model.row if request.model else {}
    short = _SHORT_SIDE[row.get("size", _QUALITY.get(request.mode, "720p"))]
    area = short * short * 16 / 9
    guide = next((m for m in materials if m.width and m.role in _GUIDES), None)
    if guide is not None:
        share = guide.width / guide.height
    else:
        wide, high = map(int, str(request.body.get("aspect_ratio", "16:9")).split(":"))
        share = wide / high
    return _even(math.sqrt(area * share)), _even(math.sqrt(area / share))


def plan_render(
    request: CreateRequest,
    materials: Sequence[Material],
    task_id: str,
    seed: int,
    options: tuple[tuple[str, str], ...] = (),
) -> list[RenderJob]:
    """List the files of a task in the order of its results."""
    width, height = size(request, materials)
    row = request.endpoint.row
    kind: Kind = row["makes"]
    first = RenderJob(
        file=f"{task_id}-0.{_ENDINGS[kind]}",
        kind=kind,
        scene=row.get("scene", request.endpoint.family),
        seed=seed,
        prompt=request.prompt_text,
        width=width,
        height=height,
        fps=int(request.model.row.get("fps", 24)) if request.model else 24,
        seconds=length(request, materials) if kind != "image" else 0,
        sound=request.is_on("sound") or bool(row.get("sound")) or _always_sounds(request),
        pictures=_pictures(request, materials),
        options=_options(request) + options,
        film=_data(materials, _films(request)),
        voice=_data(materials, ("sound",)),
        timing=_timing(request),
    )
    made = [
        replace(first, file=f"{task_id}-{index}.{_ENDINGS[kind]}", seed=seed + index)
        for index in range(request.image_count)
    ]
    if row.get("also_sound"):
        made.append(replace(first, file=f"{task_id}-1.wav", kind="audio"))
    return made


def _always_sounds(request: CreateRequest) -> bool:
    return request.model is not None and bool(request.model.row.get("always_sound"))


def _pictures(
    request: CreateRequest, materials: Sequence[Material]
) -> tuple[tuple[str, bytes], ...]:
    face = _face_of(request)
    return tuple(
        ("face" if index == face else m.role, m.data)
        for index, m in enumerate(materials)
        if m.data is not None and m.kind == "image"
    )


def _films(request: CreateRequest) -> tuple[str, ...]:
    """Name the roles of videos that are to be seen in the result."""
    films = ("base_video", "motion")
    return (*films, "reference_video") if edits_video(request.body) else films


def _data(materials: Sequence[Material], roles: Sequence[str]) -> bytes | None:
    return next((m.data for m in materials if m.role in roles and m.kind != "image"), None)


def _timing(request: CreateRequest) -> tuple[int, int, int] | None:
    if "face_choose" not in request.body:
        return None
    choice = request.body["face_choose"][0]
    return choice["sound_start_time"], choice["sound_end_time"], choice["sound_insert_time"]


def _face_of(request: CreateRequest) -> int | None:
    """Tell which picture lends its face: the one that a prompt about faces names last."""
    if request.endpoint.family != "omni-image" or not _FACE_SWAP.search(request.prompt_text):
        return None
    named = _NAMED.findall(request.prompt_text)
    return int(named[-1]) - 1 if named else None


def _options(request: CreateRequest) -> tuple[tuple[str, str], ...]:
    # Pictures travel as bytes already; anything this long is one of them.
    short = {name: one for name, one in request.body.items() if _letters(one) <= _LONGEST_TEXT}
    texts = {name: json.dumps(one) for name, one in short.items() if name not in _OWN}
    return tuple((n, text) for n, text in sorted(texts.items()) if len(text) <= _LONGEST_TEXT)


def _letters(value: object) -> int:
    """Count the letters of all texts in a value, which is cheaper than to write it down."""
    if isinstance(value, dict):
        return sum(map(_letters, value.values()))
    if isinstance(value, list):
        return sum(map(_letters, value))
    return len(value) if isinstance(value, str) else 0


def _picture_size(request: CreateRequest, materials: Sequence[Material]) -> tuple[int, int]:
    base = next((m for m in materials if m.role == "base" and m.width), None)
    if base is not None:
        return _grown(request, base)
    scale = _PICTURE_SCALE.get(request.mode, 1)
    ratio = str(request.body.get("aspect_ratio", request.endpoint.row.get("ratio", "16:9")))
    if ratio == "auto":
        ratio = _nearest(materials)
    width, height = _PICTURES[ratio]
    return width * scale, height * scale


def _grown(request: CreateRequest, base: Material) -> tuple[int, int]:
    up, down, left, right = (
        float(request.body.get(f"{side}_expansion_ratio", 0))
        for side in ("up", "down", "left", "right")
    )
    width, height = base.width * (1 + left + right), base.height * (1 + up + down)
    shrink = min(1.0, _LONGEST / max(width, height))
    return _even(width * shrink), _even(height * shrink)


def _nearest(materials: Sequence[Material]) -> str:
    measured = [m.width / m.height for m in materials if m.width]
    share = measured[0] if measured else 1.0
    return min(_PICTURES, key=lambda r: abs(math.log(_PICTURES[r][0] / _PICTURES[r][1] / share)))


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)

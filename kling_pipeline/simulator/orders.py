"""From a request to what is to be drawn: sizes, lengths and names of files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kling_pipeline.simulator.answers import FILE
from kling_pipeline.simulator.ask import Ask
from kling_pipeline.simulator.media import Material

_SHORT_SIDE = {"720p": 720, "1080p": 1080, "4k": 2160}
_QUALITY = {"std": "720p", "pro": "1080p", "4k": "4k", "": "720p"}
_PICTURE_SCALE = {"1k": 1, "2k": 2, "4k": 4}
_PICTURES = {
    "1:1": (1024, 1024), "16:9": (1360, 768), "9:16": (768, 1360), "4:3": (1184, 880),
    "3:4": (880, 1184), "3:2": (1248, 832), "2:3": (832, 1248), "21:9": (1568, 672),
}  # fmt: skip
_GUIDES = ("first_frame", "end_frame", "base_video", "human", "base")
_OWN = ("external_task_id", "callback_url", "watermark_info", "model_name")


@dataclass(frozen=True)
class Sheet:
    """One file to draw, free of the drawing room's types: plain media need none of them."""

    file: str
    kind: Literal["video", "image", "audio"]
    scene: str
    seed: int
    prompt: str
    width: int
    height: int
    fps: int
    seconds: float
    sound: bool
    pictures: tuple[tuple[str, bytes], ...]
    extras: tuple[tuple[str, str], ...]


def length(ask: Ask, materials: Sequence[Material]) -> float:
    """Tell how many seconds the result lasts: as asked, or as its input does."""
    follow = ask.endpoint.row.get("length_of")
    base_edit = any(
        item.get("refer_type", "base") == "base" for item in ask.body.get("video_list", [])
    )
    for material in materials:
        if material.seconds and (
            material.role == follow or (base_edit and material.kind == "video")
        ):
            return round(material.seconds, 3)
    return float(ask.seconds or ask.body.get("duration") or ask.endpoint.row.get("length", 5))


def size(ask: Ask, materials: Sequence[Material]) -> tuple[int, int]:
    """Tell the pixels of the result; a result follows the ratio of its first frame."""
    if ask.endpoint.makes == "image":
        return _picture_size(ask, materials)
    guide = next((m for m in materials if m.width and m.role in _GUIDES), None)
    row = ask.model.row if ask.model else {}
    short = _SHORT_SIDE[row.get("size", _QUALITY.get(ask.mode, "720p"))]
    area = short * short * 16 / 9
    if guide is not None:
        share = guide.width / guide.height
    else:
        wide, high = map(int, str(ask.body.get("aspect_ratio", "16:9")).split(":"))
        share = wide / high
    return _even(math.sqrt(area * share)), _even(math.sqrt(area / share))


def sheets(ask: Ask, materials: Sequence[Material], task_id: str, seed: int) -> list[Sheet]:
    """List the files of a task in the order of its results."""
    width, height = size(ask, materials)
    seconds = length(ask, materials)
    ending = {"video": "mp4", "image": "png", "audio": "wav"}[ask.endpoint.makes]
    pictures = tuple((m.role, m.data) for m in materials if m.data is not None)
    extras = tuple(
        (name, json.dumps(value))
        for name, value in sorted(ask.body.items())
        if name not in _OWN and not _heavy(value)
    )
    row = ask.model.row if ask.model else {}
    return [
        Sheet(
            file=f"{task_id}-{index}.{ending}",
            kind=ask.endpoint.makes,  # type: ignore[arg-type]
            scene=ask.endpoint.row.get("scene", ask.endpoint.family),
            seed=seed + index,
            prompt=ask.words,
            width=width,
            height=height,
            fps=int(row.get("fps", 24)),
            seconds=seconds if ask.endpoint.makes != "image" else 0,
            sound=ask.asks_for("sound") or bool(ask.endpoint.row.get("sound")),
            pictures=pictures,
            extras=extras,
        )
        for index in range(ask.pictures)
    ]


def result_of(ask: Ask, drawn: Sequence[Sheet], ids: Sequence[str]) -> dict[str, Any]:
    """Lay out the task_result to come, with the names of files in place of links."""
    watermark = bool(ask.body.get("watermark_info", {}).get("enabled"))
    items: list[dict[str, Any]] = []
    for index, (sheet, id_) in enumerate(zip(drawn, ids, strict=True)):
        url = {"url": FILE + sheet.file}
        if watermark:
            url["watermark_url"] = FILE + sheet.file
        if sheet.kind == "image":
            items.append({"index": index, **url})
        else:
            items.append({"id": id_, **url, "duration": str(float(sheet.seconds))})
    if ask.endpoint.family != "omni-image":
        return {f"{ask.endpoint.makes}s": items}
    kind = str(ask.body.get("result_type", "single"))
    return {"result_type": kind, "images" if kind == "single" else "series_images": items}


def _picture_size(ask: Ask, materials: Sequence[Material]) -> tuple[int, int]:
    scale = _PICTURE_SCALE[ask.mode or "1k"]
    ratio = str(ask.body.get("aspect_ratio", ask.endpoint.row.get("ratio", "16:9")))
    if ratio == "auto":
        ratio = _nearest(materials[0]) if materials and materials[0].width else "1:1"
    width, height = _PICTURES[ratio]
    return width * scale, height * scale


def _nearest(material: Material) -> str:
    share = material.width / material.height
    return min(_PICTURES, key=lambda r: abs(math.log(_PICTURES[r][0] / _PICTURES[r][1] / share)))


def _heavy(value: object) -> bool:
    return len(json.dumps(value)) > 4096


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)

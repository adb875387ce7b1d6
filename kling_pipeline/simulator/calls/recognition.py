"""The image-recognize call: cut-outs of an image."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from kling_pipeline.simulator.calls.masks import draw_mask
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.files import FILE_PREFIX
from kling_pipeline.simulator.inputs.probe import InputFile
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.tasks.task import new_id

_SEGMENTS = ("object_seg", "head_seg", "face_seg", "cloth_seg")


async def recognize_image(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Respond with four cut-outs; the simulator recognizes nothing, so each is a disc."""
    id_, found = new_id(), []
    source = inputs[0].data
    for index, kind in enumerate(_SEGMENTS):
        name = f"{id_}-{index}.png"
        await asyncio.to_thread(_cut_out, source, context.files.path(name))
        found.append({"type": kind, "is_contain": True, "url": FILE_PREFIX + name})
    return {"task_result": {"images": found}}


def _cut_out(source: bytes | None, target: Path) -> None:
    image = Image.open(BytesIO(source)) if source else Image.new("RGB", (512, 512), "grey")
    cut = image.convert("RGBA")
    cut.putalpha(draw_mask([{"x": 0.5, "y": 0.5}], *cut.size))
    cut.save(target, "PNG")

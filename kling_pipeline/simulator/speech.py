"""Calls that answer with their result at once: speech, and what is in a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from kling_pipeline.simulator.answers import FILE
from kling_pipeline.simulator.bench import Bench
from kling_pipeline.simulator.mask import draw_mask
from kling_pipeline.simulator.media import Material
from kling_pipeline.simulator.orders import Sheet
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.tasks.task import derive_seed, fingerprint, new_id, now_ms

_LETTERS_A_SECOND = {"en": 14, "zh": 4}
_SEGMENTS = ("object_seg", "head_seg", "face_seg", "cloth_seg")


async def speak(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Make speech of a length that fits its text; the id lives 30 days as an audio_id."""
    pace = _LETTERS_A_SECOND[request.body["voice_language"]] * request.body.get("voice_speed", 1.0)
    seconds = round(max(1.0, len(request.body["text"]) / pace), 1)
    seed = derive_seed(bench.options.seed, fingerprint(request), 0)
    id_, now = new_id(), now_ms()
    voice = (("voice_id", f'"{request.body["voice_id"]}"'),)
    sheet = Sheet(
        f"{id_}.wav", "audio", "tts", seed, request.prompt_text, seconds=seconds, extras=voice
    )
    await bench.studio.make([sheet])
    bench.store.put_record("audio_id", id_, now, {"file": sheet.file})
    audio = {"id": id_, "url": f"{FILE}{id_}.mp3", "duration": f"{seconds:g}"}
    return {
        "task_id": new_id(),
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": {"audios": [audio]},
        "created_at": now,
        "updated_at": now,
    }


async def recognise(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Answer with four cut-outs; the simulator sees nothing, so each is a disc in the middle."""
    id_, found = new_id(), []
    source = materials[0].data
    for index, kind in enumerate(_SEGMENTS):
        name = f"{id_}-{index}.png"
        await asyncio.to_thread(_cut_out, source, bench.files.path(name))
        found.append({"type": kind, "is_contain": True, "url": FILE + name})
    return {"task_result": {"images": found}}


def _cut_out(source: bytes | None, target: Path) -> None:
    image = Image.open(BytesIO(source)) if source else Image.new("RGB", (512, 512), "grey")
    cut = image.convert("RGBA")
    cut.putalpha(draw_mask([{"x": 0.5, "y": 0.5}], *cut.size))
    cut.save(target, "PNG")

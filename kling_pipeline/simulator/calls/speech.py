"""The text-to-speech call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.files import FILE_PREFIX
from kling_pipeline.simulator.inputs.probe import InputFile
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.tasks.task import derive_seed, fingerprint, new_id, now_ms

_LETTERS_PER_SECOND = {"en": 14, "zh": 4}


async def text_to_speech(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Make speech as long as its text suggests; its id lives 30 days as an audio_id."""
    pace = _LETTERS_PER_SECOND[request.body["voice_language"]] * request.body.get(
        "voice_speed", 1.0
    )
    seconds = round(max(1.0, len(request.body["text"]) / pace), 1)
    seed = derive_seed(context.options.seed, fingerprint(request), 0)
    id_, now = new_id(), now_ms()
    job = RenderJob(f"{id_}.wav", "audio", "tts", seed, request.prompt_text, seconds=seconds)
    await context.renderer.render([job])
    context.store.put_record("audio_id", id_, now, {"file": job.file})
    audio = {"id": id_, "url": f"{FILE_PREFIX}{id_}.mp3", "duration": f"{seconds:g}"}
    return {
        "task_id": new_id(),
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": {"audios": [audio]},
        "created_at": now,
        "updated_at": now,
    }

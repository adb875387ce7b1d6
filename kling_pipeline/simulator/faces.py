"""Faces in a video: the call before a lip-sync task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from kling_pipeline.simulator import clips
from kling_pipeline.simulator.answers import FILE
from kling_pipeline.simulator.ask import Ask
from kling_pipeline.simulator.bench import Bench
from kling_pipeline.simulator.media import Material
from kling_pipeline.simulator.sessions import open_session
from kling_pipeline.simulator.task import now_ms

# The simulator sees no faces: one stands where a portrait has it, a second one (for a video
# whose words speak of several) beside it.
_FACES = ((0.36, 0.14, 0.28, 0.38), (0.68, 0.2, 0.2, 0.28))
_SEVERAL = ("two", "twins", "couple", "friends", "people")
_NOBODY = ("noface", "no face")


async def identify_face(bench: Bench, ask: Ask, materials: Sequence[Material]) -> dict[str, Any]:
    """Open a session with the faces of a video."""
    session = await open_session(bench, ask, materials)
    words = session["words"].lower()
    boxes = _FACES[: 2 if any(word in words for word in _SEVERAL) else 1]
    faces = []
    if not any(word in words for word in _NOBODY):
        path = bench.files.path(session["file"])
        frame = await asyncio.to_thread(clips.first_frame, path)
        for index, box in enumerate(boxes):
            name = f"{session['session_id']}-face-{index}.png"
            await asyncio.to_thread(clips.crop, frame, box, bench.files.path(name))
            end = round(session["seconds"] * 1000)
            faces.append(
                {"face_id": str(index), "file": name, "box": box, "start_time": 0, "end_time": end}
            )
    session["faces"] = faces
    bench.shelf.put_item("face", session["session_id"], now_ms(), session)
    shown = [
        {
            "face_id": face["face_id"],
            "face_image": f"{FILE}{face['file']}",
            "start_time": face["start_time"],
            "end_time": face["end_time"],
        }
        for face in faces
    ]
    return {"session_id": session["session_id"], "face_data": shown}

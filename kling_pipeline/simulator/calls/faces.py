"""The identify-face call before a lip-sync task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from kling_pipeline.drawing.job import Box
from kling_pipeline.simulator.calls.sessions import open_session
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.files import FILE_PREFIX
from kling_pipeline.simulator.inputs.probe import InputFile
from kling_pipeline.simulator.render import clips
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.tasks.task import now_ms

_TWO_FACES_WORDS = ("two", "twins", "couple", "friends", "people")
_NO_FACE_WORDS = ("noface", "no face")


async def identify_face(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Open a session and respond with the faces of its video."""
    session = await open_session(context, request, inputs)
    words = session["words"].lower()
    boxes = await asyncio.to_thread(_boxes, (session["width"], session["height"]))
    faces = []
    if not any(word in words for word in _NO_FACE_WORDS):
        path = context.files.path(session["file"])
        frame = await asyncio.to_thread(clips.first_frame, path)
        for index, box in enumerate(boxes[: 2 if any(w in words for w in _TWO_FACES_WORDS) else 1]):
            name = f"{session['session_id']}-face-{index}.png"
            await asyncio.to_thread(clips.crop, frame, _expand(box), context.files.path(name))
            # The second person leaves before the end, so that a face's own time matters.
            end = round(session["seconds"] * 1000 * (0.6 if index else 1))
            faces.append(
                {"face_id": str(index), "file": name, "box": box, "start_time": 0, "end_time": end}
            )
    session["faces"] = faces
    context.store.put_record("face", session["session_id"], now_ms(), session)
    data = [
        {
            "face_id": face["face_id"],
            "face_image": f"{FILE_PREFIX}{face['file']}",
            "start_time": face["start_time"],
            "end_time": face["end_time"],
        }
        for face in faces
    ]
    return {"session_id": session["session_id"], "face_data": data}


def _boxes(size: tuple[int, int]) -> list[Box]:
    """Place faces without seeing any: where drawn portraits have theirs, and one beside it."""
    # The drawing package is slow to import and most simulators are never asked for a face.
    from kling_pipeline.drawing.figures import find_face  # noqa: PLC0415

    x, y, width, height = find_face(size)
    beside = (min(x + 1.3 * width, 0.99 - 0.8 * width), y + 0.1 * height, 0.8 * width, 0.8 * height)
    return [(x, y, width, height), beside]


def _expand(box: Box) -> Box:
    """Add some of the hair and the neck around a face."""
    x, y, width, height = box
    left, top = max(0, x - 0.2 * width), max(0, y - 0.2 * height)
    return left, top, min(1 - left, 1.4 * width), min(1 - top, 1.4 * height)

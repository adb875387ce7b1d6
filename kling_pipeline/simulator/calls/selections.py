"""The selection calls before a multi-elements task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from kling_pipeline.simulator.calls.masks import draw_mask, encode_mask
from kling_pipeline.simulator.calls.sessions import open_session, session_mask
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.files import FILE_PREFIX
from kling_pipeline.simulator.inputs.probe import InputFile
from kling_pipeline.simulator.render import clips
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.tasks.task import new_id, now_ms

_MAX_POINTS = 10
_MAX_FRAMES = 10


async def init_selection(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Open a session for selecting things in a video."""
    session = await open_session(context, request, inputs)
    session["marks"] = {}
    context.store.put_record("selection", session["session_id"], now_ms(), session)
    return {
        "status": 0,
        "session_id": session["session_id"],
        "fps": session["fps"],
        "original_duration": round(session["seconds"] * 1000),
        "width": session["width"],
        "height": session["height"],
        "total_frame": round(session["seconds"] * session["fps"]),
        "normalized_video": f"{FILE_PREFIX}{session['file']}",
    }


async def add_selection(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Add points on a frame and respond with their mask."""
    session, frame = _session_and_frame(context, request)
    points = session["marks"].setdefault(frame, [])
    points += [point for point in request.body["points"] if point not in points]
    if len(points) > _MAX_POINTS:
        raise invalid(f"At most {_MAX_POINTS} points are allowed in a frame.")
    if len(session["marks"]) > _MAX_FRAMES:
        raise invalid(f"At most {_MAX_FRAMES} frames can be marked.")
    return await _respond(context, session, frame)


async def delete_selection(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Remove points, which must be among those that were added, and respond with the mask left."""
    session, frame = _session_and_frame(context, request)
    points = session["marks"].get(frame, [])
    for point in request.body["points"]:
        if point not in points:
            raise invalid("points must equal the points that were added")
        points.remove(point)
    if not points:
        session["marks"].pop(frame, None)
    return await _respond(context, session, frame)


async def clear_selection(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Remove all points."""
    session = context.find_session("selection", request.body["session_id"])
    session["marks"] = {}
    context.store.put_record("selection", session["session_id"], now_ms(), session)
    return {"status": 0, "session_id": session["session_id"]}


async def preview_selection(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Render the selection on every frame of the video."""
    session = context.find_session("selection", request.body["session_id"])
    if not session["marks"]:
        raise invalid("No selection in the session, call add-selection first")
    id_ = session["session_id"]
    mask = session_mask(session)
    source, stem = context.files.path(session["file"]), f"{id_}-{new_id()}"
    video, cover, tracking = f"{stem}.mp4", f"{stem}-cover.png", f"{stem}-mask.png"
    frame = await asyncio.to_thread(clips.first_frame, source)
    clips.highlight(frame, mask).save(context.files.path(cover), "PNG")
    mask.save(context.files.path(tracking), "PNG")
    await asyncio.to_thread(clips.render_selection, source, mask, context.files.path(video))
    files = {"video": video, "video_cover": cover, "tracking_output": tracking}
    return {
        "status": 0,
        "session_id": id_,
        "res": {name: f"{FILE_PREFIX}{file}" for name, file in files.items()},
    }


def _session_and_frame(context: Context, request: CreateRequest) -> tuple[dict[str, Any], str]:
    session = context.find_session("selection", request.body["session_id"])
    frame = request.body["frame_index"]
    if frame >= round(session["seconds"] * session["fps"]):
        raise invalid("frame_index is outside the video")
    return session, str(frame)


async def _respond(context: Context, session: dict[str, Any], frame: str) -> dict[str, Any]:
    context.store.put_record("selection", session["session_id"], now_ms(), session)
    points = session["marks"].get(frame, [])
    mask = draw_mask(points, session["width"], session["height"])
    masks = [await asyncio.to_thread(encode_mask, mask)] if points else []
    return {
        "status": 0,
        "session_id": session["session_id"],
        "res": {"frame_index": int(frame), "rle_mask_list": masks},
    }

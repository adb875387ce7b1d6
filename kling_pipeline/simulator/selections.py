"""Selections in a video: the calls before a multi-elements task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from kling_pipeline.simulator import clips
from kling_pipeline.simulator.answers import FILE
from kling_pipeline.simulator.bench import Bench
from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.mask import describe, draw_mask
from kling_pipeline.simulator.media import Material
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.sessions import mask_of, open_session
from kling_pipeline.simulator.tasks.task import new_id, now_ms

_MOST_POINTS = 10
_MOST_FRAMES = 10


async def init_selection(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Open a session for marking things in a video."""
    session = await open_session(bench, request, materials)
    session["marks"] = {}
    bench.store.put_record("selection", session["session_id"], now_ms(), session)
    return {
        "status": 0,
        "session_id": session["session_id"],
        "fps": session["fps"],
        "original_duration": round(session["seconds"] * 1000),
        "width": session["width"],
        "height": session["height"],
        "total_frame": round(session["seconds"] * session["fps"]),
        "normalized_video": f"{FILE}{session['file']}",
    }


async def add_selection(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Mark points on a frame and answer with the mask that they give."""
    session, frame = _marked(bench, request)
    points = session["marks"].setdefault(frame, [])
    points += [point for point in request.body["points"] if point not in points]
    if len(points) > _MOST_POINTS:
        raise invalid(f"At most {_MOST_POINTS} points are allowed in a frame.")
    if len(session["marks"]) > _MOST_FRAMES:
        raise invalid(f"At most {_MOST_FRAMES} frames can be marked.")
    return await _answer(bench, session, frame)


async def delete_selection(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Take points back; they must be exactly the ones that were added."""
    session, frame = _marked(bench, request)
    points = session["marks"].get(frame, [])
    for point in request.body["points"]:
        if point not in points:
            raise invalid("points must equal the points that were added")
        points.remove(point)
    if not points:
        session["marks"].pop(frame, None)
    return await _answer(bench, session, frame)


async def clear_selection(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Take all points back."""
    session = bench.session("selection", request.body["session_id"])
    session["marks"] = {}
    bench.store.put_record("selection", session["session_id"], now_ms(), session)
    return {"status": 0, "session_id": session["session_id"]}


async def preview_selection(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Show the selection through the whole video."""
    session = bench.session("selection", request.body["session_id"])
    if not session["marks"]:
        raise invalid("No selection in the session, call add-selection first")
    id_ = session["session_id"]
    mask = mask_of(session)
    source, stem = bench.files.path(session["file"]), f"{id_}-{new_id()}"
    video, cover, tracking = f"{stem}.mp4", f"{stem}-cover.png", f"{stem}-mask.png"
    frame = await asyncio.to_thread(clips.first_frame, source)
    clips.tint(frame, mask).save(bench.files.path(cover), "PNG")
    mask.save(bench.files.path(tracking), "PNG")
    await asyncio.to_thread(clips.trace, source, mask, bench.files.path(video))
    shown = {"video": video, "video_cover": cover, "tracking_output": tracking}
    return {
        "status": 0,
        "session_id": id_,
        "res": {name: f"{FILE}{file}" for name, file in shown.items()},
    }


def _marked(bench: Bench, request: CreateRequest) -> tuple[dict[str, Any], str]:
    session = bench.session("selection", request.body["session_id"])
    frame = request.body["frame_index"]
    if frame >= round(session["seconds"] * session["fps"]):
        raise invalid("frame_index is outside the video")
    return session, str(frame)


async def _answer(bench: Bench, session: dict[str, Any], frame: str) -> dict[str, Any]:
    bench.store.put_record("selection", session["session_id"], now_ms(), session)
    points = session["marks"].get(frame, [])
    mask = draw_mask(points, session["width"], session["height"])
    masks = [await asyncio.to_thread(describe, mask)] if points else []
    return {
        "status": 0,
        "session_id": session["session_id"],
        "res": {"frame_index": int(frame), "rle_mask_list": masks},
    }

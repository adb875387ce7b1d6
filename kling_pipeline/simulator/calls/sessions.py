"""Sessions: a video prepared by a call before the task that works on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from kling_pipeline.drawing.job import Box
from kling_pipeline.simulator.calls.masks import draw_mask
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.inputs.probe import InputFile, measure
from kling_pipeline.simulator.render.plan import placeholder_job
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.tasks.task import derive_seed, fingerprint, new_id


async def open_session(
    context: Context, request: CreateRequest, inputs: Sequence[InputFile]
) -> dict[str, Any]:
    """Store a request's video under a new session id and return the session with its measures.

    The caller adds its own entries and puts the session into the store. A video at a remote
    address is not fetched; a rendered placeholder takes its place.
    """
    id_ = new_id()
    name = f"{id_}-in.mp4"
    path, video = context.files.path(name), inputs[0]
    if video.data is None:
        seed = derive_seed(context.options.seed, fingerprint(request), 0)
        await context.renderer.render([placeholder_job(name, seed)])
        video = await asyncio.to_thread(measure, path.read_bytes())
    else:
        await asyncio.to_thread(path.write_bytes, video.data)
    given = request.body.get("video_id", "")
    words = context.find_media("video_id", given)["words"] if given else request.body["video_url"]
    return {
        "session_id": id_,
        "file": name,
        "seconds": video.seconds,
        "fps": video.fps,
        "width": video.width,
        "height": video.height,
        "video_id": given,
        "video_url": request.body.get("video_url", ""),
        "words": words,
    }


async def session_inputs(context: Context, request: CreateRequest) -> list[InputFile]:
    """Read the video of a create's session, and its selection as a mask."""
    kind = request.endpoint.row.get("session")
    if kind is None:
        return []
    session = context.find_session(kind, request.body["session_id"])
    return await asyncio.to_thread(_session_files, session, context.files.path(session["file"]))


def _session_files(session: Mapping[str, Any], path: Path) -> list[InputFile]:
    video = measure(path.read_bytes())
    if not session.get("marks"):
        return [video]
    mask = session_mask(session)
    png = BytesIO()
    mask.save(png, "PNG")
    return [video, InputFile("selection", "mask", "image", png.getvalue(), *mask.size)]


def session_mask(session: Mapping[str, Any]) -> Image.Image:
    """Draw the mask of all selected points of a session."""
    points = [point for marks in session["marks"].values() for point in marks]
    return draw_mask(points, session["width"], session["height"])


def chosen_face_box(context: Context, request: CreateRequest) -> Box | None:
    """Return where the face is that a lip-sync request chose; None for any other request."""
    if request.endpoint.row.get("session") != "face":
        return None
    session = context.find_session("face", request.body["session_id"])
    chosen = request.body["face_choose"][0]["face_id"]
    left, top, width, height = next(f["box"] for f in session["faces"] if f["face_id"] == chosen)
    return left, top, width, height

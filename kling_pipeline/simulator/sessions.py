"""Sessions: what is prepared before a task, the video first of all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from kling_pipeline.simulator.bench import Bench
from kling_pipeline.simulator.mask import draw_mask
from kling_pipeline.simulator.media import Material, measure
from kling_pipeline.simulator.orders import stand_in
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.tasks.task import derive_seed, fingerprint, new_id


async def open_session(
    bench: Bench, request: CreateRequest, materials: Sequence[Material]
) -> dict[str, Any]:
    """Keep a request's video under a new session id and tell its measures.

    The caller adds its own entries and puts the session on the shelf. A video at an address
    elsewhere is not fetched: a drawn one stands in for it.
    """
    id_ = new_id()
    name = f"{id_}-in.mp4"
    path, film = bench.files.path(name), materials[0]
    if film.data is None:
        seed = derive_seed(bench.options.seed, fingerprint(request), 0)
        await bench.studio.make([stand_in(name, seed)])
        film = await asyncio.to_thread(measure, path.read_bytes())
    else:
        await asyncio.to_thread(path.write_bytes, film.data)
    given = request.body.get("video_id", "")
    words = bench.find("video_id", given)["words"] if given else request.body["video_url"]
    return {
        "session_id": id_,
        "file": name,
        "seconds": film.seconds,
        "fps": film.fps,
        "width": film.width,
        "height": film.height,
        "video_id": given,
        "video_url": request.body.get("video_url", ""),
        "words": words,
    }


async def session_materials(bench: Bench, request: CreateRequest) -> list[Material]:
    """Fetch what the session of a create holds: its video, as a material."""
    kind = request.endpoint.row.get("session")
    if kind is None:
        return []
    session = bench.session(kind, request.body["session_id"])
    return await asyncio.to_thread(_prepared, session, bench.files.path(session["file"]))


def _prepared(session: Mapping[str, Any], path: Path) -> list[Material]:
    film = measure(path.read_bytes())
    if not session.get("marks"):
        return [film]
    mask = mask_of(session)
    png = BytesIO()
    mask.save(png, "PNG")
    return [film, Material("selection", "mask", "image", png.getvalue(), *mask.size)]


def mask_of(session: Mapping[str, Any]) -> Image.Image:
    """Draw the mask of all points of a session."""
    points = [point for marks in session["marks"].values() for point in marks]
    return draw_mask(points, session["width"], session["height"])


def session_extras(bench: Bench, request: CreateRequest) -> tuple[tuple[str, str], ...]:
    """Tell the drawing room which face was chosen, by its box."""
    if request.endpoint.row.get("session") != "face":
        return ()
    session = bench.session("face", request.body["session_id"])
    chosen = request.body["face_choose"][0]["face_id"]
    face = next(face for face in session["faces"] if face["face_id"] == chosen)
    return (("face_box", json.dumps(face["box"])),)

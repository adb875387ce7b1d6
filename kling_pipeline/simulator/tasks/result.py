"""Build the task_result of a task, with the names of files in place of links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.simulator.files import FILE_PREFIX
from kling_pipeline.simulator.rules.create_request import CreateRequest


def build_result(
    request: CreateRequest, jobs: Sequence[RenderJob], ids: Sequence[str]
) -> dict[str, Any]:
    """Build a result in the shape of the endpoint's page in the Kling docs (Sept 2026)."""
    named = list(zip(jobs, ids, strict=True))
    videos = [_video(request, job, id_) for job, id_ in named if job.kind == "video"]
    audios = [_audio(job, id_) for job, id_ in named if job.kind == "audio"]
    images = _images(request, [job for job in jobs if job.kind == "image"])
    lists = {"videos": videos, "audios": audios, "images": images}
    result: dict[str, Any] = {name: items for name, items in lists.items() if items}
    if request.endpoint.family == "omni-image":
        kind = str(request.body.get("result_type", "single"))
        return {"result_type": kind, "images" if kind == "single" else "series_images": images}
    return result


def _audio(job: RenderJob, id_: str) -> dict[str, str]:
    """Name both files of a sound; durations are seconds as text."""
    duration = f"{job.seconds:g}"
    return {
        "id": id_,
        "url_mp3": f"{FILE_PREFIX}{job.file.removesuffix('.wav')}.mp3",
        "url_wav": FILE_PREFIX + job.file,
        "duration_mp3": duration,
        "duration_wav": duration,
    }


def _video(request: CreateRequest, job: RenderJob, id_: str) -> dict[str, str]:
    entry = {"id": id_, **_links(request, job)}
    if not request.endpoint.row.get("no_duration"):
        entry["duration"] = str(float(job.seconds))
    if request.endpoint.row.get("session") == "selection":
        entry["session_id"] = request.body["session_id"]
    return entry


def _images(request: CreateRequest, jobs: Sequence[RenderJob]) -> list[dict[str, Any]]:
    views = int(request.endpoint.row.get("views", 1))
    if views == 1:
        return [{"index": index, **_links(request, job)} for index, job in enumerate(jobs)]
    return [
        {"index": index}
        | {f"url_{n + 1}": FILE_PREFIX + jobs[index * views + n].file for n in range(views)}
        for index in range(len(jobs) // views)
    ]


def _links(request: CreateRequest, job: RenderJob) -> dict[str, str]:
    links = {"url": FILE_PREFIX + job.file}
    if request.body.get("watermark_info", {}).get("enabled"):
        # Every rendered file bears the simulator's own mark, so one file serves as both.
        links["watermark_url"] = FILE_PREFIX + job.file
    return links

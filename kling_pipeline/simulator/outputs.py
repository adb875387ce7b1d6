"""The task object of the new standard, for queries and callbacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kling_pipeline.simulator.answers import Link, with_links
from kling_pipeline.simulator.tasks.task import Task

_WORDS = {"succeed": "succeeded"}
_PACKAGES = {"try-on": "image"}  # the vendor's page knows video, image and audio only


def new_status(task: Task, now: int) -> str:
    """Tell a task's status in the words of the new standard."""
    status = task.status(now)
    return _WORDS.get(status, status)


def shown_as_new(task: Task, now: int, link: Link) -> dict[str, Any]:
    """Show a task as GET and POST /tasks and new callbacks do (Kling docs, Sept 2026)."""
    status = task.status(now)
    result = with_links(task.result, task.created_at, link) if status == "succeed" else {}
    body = {
        "id": task.task_id,
        "status": new_status(task, now),
        "message": task.message if status == "failed" else "",
        "create_time": task.created_at,
        "update_time": task.updated_at(now),
        "outputs": [*_videos(result), *_images(result), *_audios(result)],
        "billing": _billing(task) if status == "succeed" else [],
    }
    return body | ({"external_id": task.external_id} if task.external_id else {})


def _videos(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in result.get("videos", []):
        yield {"type": "video", **one}


def _images(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Tell pictures one by one; those of one set of views share a group, all others are one."""
    for one in [*result.get("images", []), *result.get("series_images", [])]:
        views = [one[name] for name in sorted(one) if name.startswith("url_")]
        for url in views:
            yield {"type": "image", "url": url, "group_id": str(one["index"])}
        if not views:
            links = {name: link for name, link in one.items() if name != "index"}
            yield {"type": "image", **links, "group_id": "0"}


def _audios(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in result.get("audios", []):
        yield {
            "type": "audio",
            "id": one["id"],
            "mp3_url": one["url_mp3"],
            "wav_url": one["url_wav"],
            "mp3_duration": one["duration_mp3"],
            "wav_duration": one["duration_wav"],
        }


def _billing(task: Task) -> list[dict[str, str]]:
    package = _PACKAGES.get(task.pool, task.pool)
    return [{"charge_type": "unit", "amount": task.units, "package_type": package}]

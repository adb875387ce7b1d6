"""Build the v2 task object for creates, queries and callbacks (Kling docs, Sept 2026)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kling_pipeline.simulator.files import Link, with_links
from kling_pipeline.simulator.tasks.task import Task

_STATUSES = {"succeed": "succeeded"}  # v1 → v2, where they differ
_PACKAGES = {"try-on": "image"}  # the vendor's page knows video, image and audio only


def v2_status(task: Task, now: int) -> str:
    """Tell a task's status at a time (ms) as v2 names it."""
    status = task.status(now)
    return _STATUSES.get(status, status)


def created_task(task: Task) -> dict[str, Any]:
    """Show a task as the response to its create."""
    return _head(task, "submitted", task.created_at)


def task_object(task: Task, now: int, link: Link) -> dict[str, Any]:
    """Show a task at a time (ms) as GET and POST /tasks do."""
    status = task.status(now)
    succeeded = status == "succeed"
    result = with_links(task.result, task.created_at, link) if succeeded else {}
    body = _head(task, v2_status(task, now), task.updated_at(now))
    body["message"] = task.message if status == "failed" else ""
    body["outputs"] = [*_videos(result), *_images(result), *_audios(result)]
    body["billing"] = _billing(task) if succeeded else []
    return body


def callback_body(link: Link, task: Task, now: int) -> dict[str, Any]:
    """Show a task as a callback does: its page lists every field, so an absent id is ""."""
    return {"external_id": "", **task_object(task, now, link)}


def _head(task: Task, status: str, updated_at: int) -> dict[str, Any]:
    head = {
        "id": task.task_id,
        "status": status,
        "message": "",
        "create_time": task.created_at,
        "update_time": updated_at,
    }
    return head | ({"external_id": task.external_id} if task.external_id else {})


def _videos(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in result.get("videos", []):
        yield {"type": "video", **one}


def _images(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield images one by one; the views of a set share a group, all others are group "0"."""
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

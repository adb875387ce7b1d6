"""Build the v1 task object for creates, queries, lists and callbacks."""

from __future__ import annotations

from typing import Any

from kling_pipeline.simulator.files import Link, with_links
from kling_pipeline.simulator.tasks.task import FINAL_STATUSES, Task


def created_task(task: Task) -> dict[str, Any]:
    """Show a task as the response to its create."""
    return _head(task, "submitted", task.created_at)


def task_object(task: Task, now: int, link: Link, *, watermarks: bool) -> dict[str, Any]:
    """Show a task at a time (ms); not every endpoint has a watermark_info to show."""
    status = task.status(now)
    succeeded = status == "succeed"
    body = _head(task, status, task.updated_at(now))
    body["task_info"] |= with_links(task.info, task.created_at, link)
    body["task_status_msg"] = task.message if status == "failed" else ""
    body["task_result"] = with_links(task.result, task.created_at, link) if succeeded else {}
    if watermarks:
        body["watermark_info"] = {"enabled": task.watermark}
    if status in FINAL_STATUSES:
        # What a failed task costs is not documented; here nothing.
        body["final_unit_deduction"] = task.units if succeeded else "0"
    return body


def callback_body(link: Link, task: Task, now: int) -> dict[str, Any]:
    """Show a task as a callback does: no watermark, and every kind of result, even without items."""
    body = task_object(task, now, link, watermarks=False)
    empty: dict[str, list[Any]] = {"images": [], "videos": [], "audios": []}
    return {**body, "task_result": {**empty, **body["task_result"]}}


def _head(task: Task, status: str, updated_at: int) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "task_status": status,
        "task_info": {"external_task_id": task.external_id} if task.external_id else {},
        "created_at": task.created_at,
        "updated_at": updated_at,
    }

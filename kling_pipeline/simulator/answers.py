"""The shapes of answers: the envelope and the legacy task object."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse

from kling_pipeline.simulator.errors import ApiError
from kling_pipeline.simulator.tasks.task import Task

Link = Callable[[str, int], str]
FILE = "file:"


def succeed(data: object) -> JSONResponse:
    """Wrap data in the envelope of a success (Kling docs, common answer, Sept 2026)."""
    return JSONResponse(
        {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}
    )


def refuse(refusal: ApiError) -> JSONResponse:
    """Wrap a refusal; such an answer has no data."""
    return JSONResponse(
        {
            "code": refusal.code,
            "message": refusal.message,
            "request_id": str(uuid.uuid4()),
        },
        status_code=refusal.status,
    )


def created(task: Task) -> dict[str, Any]:
    """Show a task as the answer to its create."""
    return {
        "task_id": task.task_id,
        "task_status": "submitted",
        "task_info": _info(task),
        "created_at": task.created_at,
        "updated_at": task.created_at,
    }


def shown(task: Task, now: int, link: Link, *, watermarks: bool) -> dict[str, Any]:
    """Show a task as a query, a list or a callback does; not all of them tell of `watermarks`."""
    status = task.status(now)
    ended = status in ("succeed", "failed")
    body: dict[str, Any] = {
        "task_id": task.task_id,
        "task_status": status,
        "task_status_msg": task.message if status == "failed" else "",
        "task_info": {**_info(task), **with_links(task.info, task.created_at, link)},
        "task_result": with_links(task.result, task.created_at, link)
        if status == "succeed"
        else {},
        "created_at": task.created_at,
        "updated_at": task.updated_at(now),
    }
    if watermarks:
        body["watermark_info"] = {"enabled": task.watermark}
    if ended:
        # What a failed task costs is not documented; here nothing.
        body["final_unit_deduction"] = task.units if status == "succeed" else "0"
    return body


def with_links(value: Any, made_at: int, link: Link) -> Any:
    """Copy a result and put a link wherever a file is named; links live from `made_at` (ms)."""
    if isinstance(value, str) and value.startswith(FILE):
        return link(value.removeprefix(FILE), made_at)
    if isinstance(value, Mapping):
        return {name: with_links(one, made_at, link) for name, one in value.items()}
    if isinstance(value, list):
        return [with_links(one, made_at, link) for one in value]
    return value


def _info(task: Task) -> dict[str, str]:
    return {"external_task_id": task.external_id} if task.external_id else {}

"""Control routes for tests, outside the vendor's API: no key, but only from this machine."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import uuid
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kling_pipeline.simulator.service import Service
from kling_pipeline.simulator.tasks.task import Task, now_ms

_MAX_INPUT_BYTES = 200 * 1024 * 1024


def routes(service: Service) -> list[Route]:
    """List the control routes."""
    return [
        Route("/_simulator/healthz", _health),
        Route("/_simulator/tasks", partial(_tasks, service)),
        Route("/_simulator/inputs/{ending}", partial(_store_input, service), methods=["POST"]),
        Route("/_simulator/faults", partial(_faults, service), methods=["GET", "POST"]),
    ]


async def _health(request: Request) -> Response:
    _require_loopback(request)
    return JSONResponse({"ok": True})


async def _tasks(service: Service, request: Request) -> Response:
    _require_loopback(request)
    now = now_ms()
    return JSONResponse(
        {"tasks": [_task_row(service, task, now) for task in service.context.store.all_tasks()]}
    )


async def _store_input(service: Service, request: Request) -> Response:
    """Store a file and return its address, since the service takes videos by address only."""
    _require_loopback(request)
    ending = request.path_params["ending"]
    if not re.fullmatch("[a-z0-9]{1,4}", ending):
        raise HTTPException(404)
    files, digest, size = service.context.files, hashlib.sha256(), 0
    part = files.path(f".input-{uuid.uuid4().hex}")
    try:
        with part.open("wb") as out:
            async for chunk in request.stream():
                size += len(chunk)
                if size > _MAX_INPUT_BYTES:
                    return JSONResponse({"error": "the file is too large"}, 413)
                digest.update(chunk)
                out.write(chunk)
        name = f"input-{digest.hexdigest()[:32]}.{ending}"
        os.replace(part, files.path(name))
    finally:
        part.unlink(missing_ok=True)
    return JSONResponse({"url": files.links_for(request)(name, now_ms())})


async def _faults(service: Service, request: Request) -> Response:
    _require_loopback(request)
    faults = service.context.faults
    if request.method == "POST":
        try:
            faults.replace(await request.json())
        except (ValueError, TypeError, AttributeError) as problem:
            return JSONResponse({"error": str(problem)}, 400)
    return JSONResponse(faults.as_json())


def _task_row(service: Service, task: Task, now: int) -> dict[str, object]:
    status = task.status(now)
    return {
        "task_id": task.task_id,
        "external_task_id": task.external_id,
        "path": service.context.rules.endpoints[task.family].path,
        "model": task.model,
        "status": status,
        "units": task.units,
        "created_at": task.created_at,
        "due_at": task.due_at,
        "seed": task.seed,
        "billed": status == "succeed",
    }


def _require_loopback(request: Request) -> None:
    host = request.client.host if request.client else ""
    if not ipaddress.ip_address(host).is_loopback:
        raise HTTPException(404)

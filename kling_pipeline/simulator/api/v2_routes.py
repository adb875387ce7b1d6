"""Routes of v2, the vendor's new standard: create with the model in the path, query by /tasks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kling_pipeline.simulator.api.envelope import success
from kling_pipeline.simulator.api.request_body import read_body
from kling_pipeline.simulator.api.v2_bodies import to_v1_body
from kling_pipeline.simulator.api.v2_responses import (
    callback_body,
    created_task,
    task_object,
    v2_status,
)
from kling_pipeline.simulator.auth import authenticate
from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.rules.fields import is_given
from kling_pipeline.simulator.rules.loader import Endpoint
from kling_pipeline.simulator.service import Service
from kling_pipeline.simulator.tasks.task import Task, now_ms

_MAX_IDS = 20
_MAX_TASKS = 500
_MONTH_MS = 30 * 86_400_000
_MAX_DIGITS = 15  # of a time in milliseconds, with room


def routes(service: Service) -> list[Route]:
    """List the routes of v2."""
    creates = [
        Route(endpoint.path + "/{model}", partial(_create, service, endpoint), methods=["POST"])
        for endpoint in service.context.rules.endpoints.values()
        if endpoint.is_v2
    ]
    return [
        *creates,
        Route("/tasks", partial(_query, service), methods=["GET"]),
        Route("/tasks", partial(_list, service), methods=["POST"]),
    ]


async def _create(service: Service, endpoint: Endpoint, request: Request) -> Response:
    await request.body()
    credential = authenticate(request, service.context.options, v2=True)
    model = request.path_params["model"]
    if model not in endpoint.models:
        raise invalid("model is not supported")
    body = to_v1_body(endpoint.family, model, await read_body(request))
    show = partial(callback_body, service.context.files.links_for(request))
    return success(created_task(await service.create(endpoint, body, credential, show)))


async def _query(service: Service, request: Request) -> Response:
    authenticate(request, service.context.options, v2=True)
    given = [name for name in ("task_ids", "external_task_ids") if request.query_params.get(name)]
    if not given:
        raise invalid("task_ids or external_task_ids is required")
    if len(given) > 1:
        raise invalid("Exactly one of task_ids and external_task_ids is required")
    ids = [id_ for id_ in request.query_params[given[0]].split(",") if id_]
    if len(ids) > _MAX_IDS:
        raise invalid(f"task_ids and external_task_ids cannot exceed {_MAX_IDS} in total")
    store = service.context.store
    find = store.get if given[0] == "task_ids" else store.find_by_external_id
    found = [task for task in map(find, ids) if task is not None]
    return success(_task_objects(service, request, found))


async def _list(service: Service, request: Request) -> Response:
    authenticate(request, service.context.options, v2=True)
    body = {name: value for name, value in (await read_body(request)).items() if is_given(value)}
    limit = _number(body, "limit", 100)
    if not 1 <= limit <= _MAX_TASKS:
        raise invalid(f"limit out of range. Please provide a value between 1 and {_MAX_TASKS}.")
    now = now_ms()
    cursor = str(body.get("cursor", ""))
    start, end = _number(body, "start_time", now - _MONTH_MS), _number(body, "end_time", now)
    if cursor:
        # The cursor wins over the times.
        start, end = 0, now
    filters = _filters(body)
    tasks = service.context.store.created_between(start, end, cursor, _MAX_TASKS * 20)
    matching = [task for task in tasks if _matches(task, now, filters)]
    page, more = matching[:limit], len(matching) > limit
    return success(
        {
            "result": _task_objects(service, request, page),
            "count": len(page),
            "next_cursor": page[-1].task_id if more else "",
            "has_more": more,
        }
    )


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or len(text) > _MAX_DIGITS:
        raise invalid(f"{name} must be a number")
    return int(text)


def _filters(body: Mapping[str, Any]) -> dict[str, list[str]]:
    rows, filters = body.get("filters", []), {}
    if not isinstance(rows, list):
        raise invalid("filters must be a list")
    for row in rows:
        if not isinstance(row, dict) or row.get("key") not in ("status", "product_type"):
            raise invalid("filters key must be status or product_type")
        values = row.get("values")
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise invalid("filters values must be a list of strings")
        filters[str(row["key"])] = values
    return filters


def _matches(task: Task, now: int, filters: Mapping[str, list[str]]) -> bool:
    facts = {"status": v2_status(task, now), "product_type": task.pool.replace("-", "_")}
    return all(facts[key] in values for key, values in filters.items())


def _task_objects(service: Service, request: Request, tasks: list[Task]) -> list[dict[str, Any]]:
    link, now = service.context.files.links_for(request), now_ms()
    return [task_object(task, now, link) for task in tasks]

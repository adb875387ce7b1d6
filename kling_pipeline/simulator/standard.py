"""The new standard's routes: create with the model in the path, query by /tasks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kling_pipeline.simulator.answers import succeed
from kling_pipeline.simulator.auth import authenticate
from kling_pipeline.simulator.desk import Desk
from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.files import origin
from kling_pipeline.simulator.outputs import new_status, shown_as_new
from kling_pipeline.simulator.routes import read_body
from kling_pipeline.simulator.rules.fields import is_given
from kling_pipeline.simulator.rules.loader import Endpoint
from kling_pipeline.simulator.tasks.task import Task, now_ms
from kling_pipeline.simulator.translation import flatten

_MOST_IDS = 20
_MOST_TASKS = 500
_MONTH_MS = 30 * 86_400_000
_DIGITS = 15  # of a time in milliseconds, with room


def routes(desk: Desk) -> list[Route]:
    """List the routes of the new standard."""
    made = [
        Route(endpoint.path + "/{model}", partial(_create, desk, endpoint), methods=["POST"])
        for endpoint in desk.bench.rules.endpoints.values()
        if endpoint.is_v2
    ]
    return [
        *made,
        Route("/tasks", partial(_look, desk), methods=["GET"]),
        Route("/tasks", partial(_page, desk), methods=["POST"]),
    ]


async def _create(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    await request.body()
    credential = authenticate(
        request.headers.get("authorization"), desk.bench.options, new_standard=True
    )
    model = request.path_params["model"]
    if model not in endpoint.models:
        raise invalid("model is not supported")
    flat = flatten(endpoint.family, model, await read_body(request))
    task = await desk.create(endpoint, flat, credential, origin(request))
    named = {"external_id": task.external_id} if task.external_id else {}
    times = {"create_time": task.created_at, "update_time": task.created_at}
    told = {"id": task.task_id, "status": "submitted", "message": ""}
    return succeed({**told, **times, **named})


async def _look(desk: Desk, request: Request) -> Response:
    _admit(desk, request)
    given = [name for name in ("task_ids", "external_task_ids") if request.query_params.get(name)]
    if not given:
        raise invalid("task_ids or external_task_ids is required")
    if len(given) > 1:
        raise invalid("Exactly one of task_ids and external_task_ids is required")
    ids = [id_ for id_ in request.query_params[given[0]].split(",") if id_]
    if len(ids) > _MOST_IDS:
        raise invalid(f"task_ids and external_task_ids cannot exceed {_MOST_IDS} in total")
    store = desk.bench.store
    find = store.get if given[0] == "task_ids" else store.find_by_external_id
    found = [task for task in map(find, ids) if task is not None]
    return succeed(_all_shown(desk, request, found))


async def _page(desk: Desk, request: Request) -> Response:
    _admit(desk, request)
    body = {name: value for name, value in (await read_body(request)).items() if is_given(value)}
    limit = _number(body, "limit", 100)
    if not 1 <= limit <= _MOST_TASKS:
        raise invalid(f"limit out of range. Please provide a value between 1 and {_MOST_TASKS}.")
    now = now_ms()
    cursor = str(body.get("cursor", ""))
    start, end = _number(body, "start_time", now - _MONTH_MS), _number(body, "end_time", now)
    if cursor:
        # The cursor wins over the times.
        start, end = 0, now
    wanted = _filters(body)
    tasks = desk.bench.store.created_between(start, end, cursor, _MOST_TASKS * 20)
    fitting = [task for task in tasks if _fits(task, now, wanted)]
    page, more = fitting[:limit], len(fitting) > limit
    return succeed(
        {
            "result": _all_shown(desk, request, page),
            "count": len(page),
            "next_cursor": page[-1].task_id if more else "",
            "has_more": more,
        }
    )


def _admit(desk: Desk, request: Request) -> None:
    authenticate(request.headers.get("authorization"), desk.bench.options, new_standard=True)


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or len(text) > _DIGITS:
        raise invalid(f"{name} must be a number")
    return int(text)


def _filters(body: Mapping[str, Any]) -> dict[str, list[str]]:
    rows, wanted = body.get("filters", []), {}
    if not isinstance(rows, list):
        raise invalid("filters must be a list")
    for row in rows:
        if not isinstance(row, dict) or row.get("key") not in ("status", "product_type"):
            raise invalid("filters key must be status or product_type")
        values = row.get("values")
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise invalid("filters values must be a list of strings")
        wanted[str(row["key"])] = values
    return wanted


def _fits(task: Task, now: int, wanted: Mapping[str, list[str]]) -> bool:
    product = task.pool.replace("-", "_")
    facts = {"status": new_status(task, now), "product_type": product}
    return all(facts[key] in values for key, values in wanted.items())


def _all_shown(desk: Desk, request: Request, tasks: list[Task]) -> list[dict[str, Any]]:
    link = partial(desk.bench.files.link, origin(request))
    now = now_ms()
    return [shown_as_new(task, now, link) for task in tasks]

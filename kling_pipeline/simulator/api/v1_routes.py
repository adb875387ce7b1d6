"""Routes of v1: create, query and list for every endpoint of the rules, and synchronous calls."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kling_pipeline.simulator.api.envelope import success
from kling_pipeline.simulator.api.request_body import read_body
from kling_pipeline.simulator.api.v1_responses import callback_body, created_task, task_object
from kling_pipeline.simulator.auth import authenticate
from kling_pipeline.simulator.files import with_links
from kling_pipeline.simulator.rules.loader import Endpoint
from kling_pipeline.simulator.service import Service
from kling_pipeline.simulator.tasks.task import Task, now_ms


def routes(service: Service) -> list[Route]:
    """List the routes of all v1 endpoints."""
    found = []
    for endpoint in service.context.rules.endpoints.values():
        path = endpoint.path
        if endpoint.is_v2:
            continue
        if endpoint.is_synchronous:
            found.append(Route(path, partial(_call, service, endpoint), methods=["POST"]))
            continue
        found += [
            Route(path, partial(_create, service, endpoint), methods=["POST"]),
            Route(path, partial(_list, service, endpoint), methods=["GET"]),
            Route(path + "/{id}", partial(_query, service, endpoint), methods=["GET"]),
        ]
    return found


async def _create(service: Service, endpoint: Endpoint, request: Request) -> Response:
    # The body first: the token is checked when all of the request has come in.
    await request.body()
    credential = authenticate(request, service.context.options)
    show = partial(callback_body, service.context.files.links_for(request))
    task = await service.create(endpoint, await read_body(request), credential, show)
    return success(created_task(task))


async def _call(service: Service, endpoint: Endpoint, request: Request) -> Response:
    await request.body()
    credential = authenticate(request, service.context.options)
    data = await service.call(endpoint, await read_body(request), credential)
    return success(with_links(data, now_ms(), service.context.files.links_for(request)))


async def _query(service: Service, endpoint: Endpoint, request: Request) -> Response:
    authenticate(request, service.context.options)
    # From the raw path: in the decoded one an id's own slash looks like any other.
    id_ = unquote(request.scope["raw_path"].decode().rpartition("/")[2])
    task = service.find_task(endpoint, id_)
    return success(_task_objects(service, endpoint, request, [task])[0])


async def _list(service: Service, endpoint: Endpoint, request: Request) -> Response:
    authenticate(request, service.context.options)
    tasks = service.list_tasks(endpoint, request.query_params)
    return success(_task_objects(service, endpoint, request, tasks))


def _task_objects(
    service: Service, endpoint: Endpoint, request: Request, tasks: list[Task]
) -> list[dict[str, Any]]:
    link, now = service.context.files.links_for(request), now_ms()
    watermarks = not endpoint.row.get("no_watermark")
    return [task_object(task, now, link, watermarks=watermarks) for task in tasks]

"""The vendor's routes: create, look and list for every endpoint of the rulebook."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NoReturn
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kling_pipeline.simulator.answers import created, shown, succeed, with_links
from kling_pipeline.simulator.auth import Credential, authenticate
from kling_pipeline.simulator.desk import Desk
from kling_pipeline.simulator.errors import ApiError
from kling_pipeline.simulator.files import origin
from kling_pipeline.simulator.rules.loader import Endpoint
from kling_pipeline.simulator.tasks.task import Task, now_ms

_DEEPEST = 100  # levels of lists and objects, far more than any body has


def routes(desk: Desk) -> list[Route]:
    """List the routes of all endpoints."""
    made = []
    for endpoint in desk.bench.rules.endpoints.values():
        path = endpoint.path
        if endpoint.is_v2:
            continue
        if endpoint.is_synchronous:
            made.append(Route(path, partial(_call, desk, endpoint), methods=["POST"]))
            continue
        made += [
            Route(path, partial(_create, desk, endpoint), methods=["POST"]),
            Route(path, partial(_page, desk, endpoint), methods=["GET"]),
            Route(path + "/{id}", partial(_look, desk, endpoint), methods=["GET"]),
        ]
    return made


async def read_body(request: Request) -> dict[str, Any]:
    """Read a JSON object; raises ApiError 1200 for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(1200, "Content-Type must be application/json")
    try:
        body = json.loads(await request.body(), parse_constant=_no_constant)
        _check_texts(body)
    except (ValueError, RecursionError):
        raise ApiError(1200, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise ApiError(1200, "The request body must be a JSON object")
    return body


def admit(desk: Desk, request: Request) -> Credential:
    """Judge the request's key or token by the rules of legacy paths."""
    return authenticate(
        request.headers.get("authorization"), desk.bench.options, new_standard=False
    )


async def _create(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    # The body first: the token is judged when all of the request has come in.
    await request.body()
    credential = admit(desk, request)
    body = await read_body(request)
    task = await desk.create(endpoint, body, credential, origin(request))
    return succeed(created(task))


async def _call(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    await request.body()
    credential = admit(desk, request)
    data = await desk.call(endpoint, await read_body(request), credential)
    return succeed(with_links(data, now_ms(), partial(desk.bench.files.link, origin(request))))


async def _look(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    admit(desk, request)
    # From the raw path: in the decoded one an id's own slash looks like any other.
    id_ = unquote(request.scope["raw_path"].decode().rpartition("/")[2])
    task = desk.look(endpoint, id_)
    return succeed(_all_shown(desk, endpoint, request, [task])[0])


async def _page(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    admit(desk, request)
    tasks = desk.page(endpoint, request.query_params)
    return succeed(_all_shown(desk, endpoint, request, tasks))


def _all_shown(
    desk: Desk, endpoint: Endpoint, request: Request, tasks: list[Task]
) -> list[dict[str, Any]]:
    link, now = partial(desk.bench.files.link, origin(request)), now_ms()
    marks = not endpoint.row.get("no_watermark")
    return [shown(task, now, link, watermarks=marks) for task in tasks]


def _check_texts(value: object, depth: int = 0) -> None:
    """Raise ValueError for half an emoji, which JavaScript sends after cutting a text."""
    if depth > _DEEPEST:
        raise ValueError
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_texts(name)
            _check_texts(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _check_texts(one, depth + 1)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)

"""The vendor's routes: create, look and list for every endpoint of the rulebook."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kling_pipeline.simulator.answers import created, shown, succeed
from kling_pipeline.simulator.auth import authenticate
from kling_pipeline.simulator.desk import Desk
from kling_pipeline.simulator.files import origin
from kling_pipeline.simulator.refusal import Refusal
from kling_pipeline.simulator.rulebook import Endpoint
from kling_pipeline.simulator.task import now_ms


def routes(desk: Desk) -> list[Route]:
    """List the routes of all endpoints."""
    made = []
    for endpoint in desk.book.endpoints.values():
        path = endpoint.path
        made += [
            Route(path, partial(_create, desk, endpoint), methods=["POST"]),
            Route(path, partial(_page, desk, endpoint), methods=["GET"]),
            Route(path + "/{id}", partial(_look, desk, endpoint), methods=["GET"]),
        ]
    return made


async def read_body(request: Request) -> dict[str, Any]:
    """Read a JSON object; raises Refusal 1200 for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(1200, "Content-Type must be application/json")
    try:
        body = json.loads(await request.body(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(1200, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise Refusal(1200, "The request body must be a JSON object")
    return body


async def _create(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    # The body first: the token is judged when all of the request has come in.
    await request.body()
    credential = authenticate(
        request.headers.get("authorization"), desk.options, new_standard=False
    )
    body = await read_body(request)
    task = await desk.create(endpoint, body, credential, origin(request))
    return succeed(created(task))


async def _look(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    authenticate(request.headers.get("authorization"), desk.options, new_standard=False)
    task = desk.look(endpoint, request.path_params["id"])
    return succeed(shown(task, now_ms(), partial(desk.files.link, origin(request))))


async def _page(desk: Desk, endpoint: Endpoint, request: Request) -> Response:
    authenticate(request.headers.get("authorization"), desk.options, new_standard=False)
    tasks = desk.page(endpoint, request.query_params)
    link = partial(desk.files.link, origin(request))
    now = now_ms()
    return succeed([shown(task, now, link) for task in tasks])


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)

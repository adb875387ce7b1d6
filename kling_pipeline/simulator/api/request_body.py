"""Read the JSON body of a request."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from starlette.requests import Request

from kling_pipeline.simulator.errors import ApiError

_MAX_DEPTH = 100  # levels of lists and objects, far more than any body has


async def read_body(request: Request) -> dict[str, Any]:
    """Read a JSON object; raises ApiError 1200 for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(1200, "Content-Type must be application/json")
    try:
        body = json.loads(await request.body(), parse_constant=_reject_constant)
        _check_strings(body)
    except (ValueError, RecursionError):
        raise ApiError(1200, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise ApiError(1200, "The request body must be a JSON object")
    return body


def _check_strings(value: object, depth: int = 0) -> None:
    """Raise ValueError for half an emoji, which JavaScript sends after cutting a text."""
    if depth > _MAX_DEPTH:
        raise ValueError
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_strings(name)
            _check_strings(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _check_strings(one, depth + 1)


def _reject_constant(word: str) -> NoReturn:
    raise ValueError(word)

"""What a request's body says: JSON, an object, with no field that nobody knows."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from kling_pipeline.errors import InputError

_BODY = {"capability", "params", "variant_count", "template", "click_id"}


async def read_json(request: Request, known: set[str] | None) -> dict[str, Any]:
    """A JSON object with no other keys than the known ones; InputError names what is wrong with it.

    How much it may hold was counted on the way in (`limits.py`); it is parsed off the event loop all the same.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InputError("Send application/json.", code="unsupported_media_type")
    return await run_in_threadpool(_read_object, await request.body(), known)


def parse_json(raw: bytes) -> Any:
    """Any JSON value in UTF-8; InputError when it is none, or holds a number that is none."""
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise InputError("The body is not JSON.", code="malformed_json") from None


async def read_order(request: Request) -> dict[str, Any]:
    """The body of a quote or a submit."""
    body = await read_json(request, _BODY)
    if not isinstance(body.get("capability"), str):
        raise InputError.at("capability", "Name a capability.")
    click = body.get("click_id")
    if click is not None and not (isinstance(click, str) and 0 < len(click) <= 200):
        raise InputError.at("click_id", "click_id is a text of at most 200 characters.")
    body["variant_count"] = 1 if body.get("variant_count") is None else body["variant_count"]
    return body


def _read_object(raw: bytes, known: set[str] | None) -> dict[str, Any]:
    body = parse_json(raw)
    if not isinstance(body, dict):
        raise InputError("The body is not a JSON object.", code="malformed_json")
    if known is not None and (unknown := sorted(filter(_is_text, body.keys() - known))):
        raise InputError.at(unknown[0][:64], "There is no such field.")
    if "params" in body and body["params"] is None:
        body["params"] = {}
    if not isinstance(body.get("params", {}), dict):
        raise InputError.at("params", "params is not an object.")
    for name, value in [*body.get("params", {}).items(), *body.items()]:
        if not _is_text(name) or not _is_text(value):
            raise InputError.at(name if _is_text(name) else "body", "This holds half a character.")
    return body


def _is_text(value: Any) -> bool:
    """Whether it can be written down: JSON may name one half of a pair that makes a character."""
    if isinstance(value, dict):
        return all(_is_text(name) and _is_text(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(_is_text, value))
    if not isinstance(value, str) or value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number

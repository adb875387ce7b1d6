"""Parse a request's body: a JSON object without unknown fields."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from kling_pipeline.errors import InputError

_JOB_FIELDS = {"capability", "params", "variant_count", "template", "click_id"}


async def read_json(request: Request, known: set[str] | None) -> dict[str, Any]:
    """Return the JSON object; `known` are the allowed keys, None for any. InputError for anything else.

    BodyLimitMiddleware has counted its values already; a thread parses it, to keep the event loop free.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InputError("Send application/json.", code="unsupported_media_type")
    return await run_in_threadpool(_read_object, await request.body(), known)


def parse_json(raw: bytes) -> Any:
    """Parse any JSON value in UTF-8; InputError for invalid JSON, NaN and numbers that are infinite as a float."""
    try:
        return json.loads(
            raw.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_parse_finite
        )
    except (ValueError, RecursionError):
        raise InputError("The body is not JSON.", code="malformed_json") from None


async def read_job_request(request: Request) -> dict[str, Any]:
    """Return the body of a quote or a submit, with `variant_count` filled in."""
    body = await read_json(request, _JOB_FIELDS)
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
    if known is not None and (unknown := sorted(filter(_is_unicode, body.keys() - known))):
        raise InputError.at(unknown[0][:64], "There is no such field.")
    if "params" in body and body["params"] is None:
        body["params"] = {}
    if not isinstance(body.get("params", {}), dict):
        raise InputError.at("params", "params is not an object.")
    for name, value in [*body.get("params", {}).items(), *body.items()]:
        if not _is_unicode(name) or not _is_unicode(value):
            raise InputError.at(
                name if _is_unicode(name) else "body", "This holds half a character."
            )
    return body


def _is_unicode(value: Any) -> bool:
    """Whether all strings can be encoded: JSON may escape one half of a surrogate pair."""
    if isinstance(value, dict):
        return all(_is_unicode(name) and _is_unicode(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(_is_unicode, value))
    if not isinstance(value, str) or value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _parse_finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number

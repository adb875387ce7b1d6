"""What a request's body says: JSON, an object, with no field that nobody knows."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from kling_pipeline.errors import InputError

_BODY = {"capability", "params", "variant_count", "template", "click_id"}


async def read_json(request: Request, known: set[str] | None) -> dict[str, Any]:
    """A JSON object with no other keys than the known ones; InputError names what is wrong with it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InputError("Send application/json.", code="unsupported_media_type")
    try:
        body = json.loads(await request.body(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InputError("The body is not JSON.", code="malformed_json") from None
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
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


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


def _no_constant(name: str) -> Any:
    raise ValueError(name)

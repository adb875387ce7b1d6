"""Errors as answers: `{"error": {code, message, fields}}`, each with its status."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kling_pipeline.errors import BusyError, CreditError, InputError, NotFound, StudioError

_STATUS = {
    "unsupported_media_type": 415,
    "malformed_json": 400,
    "body_too_slow": 408,
    "body_too_large": 413,
    "bad_signature": 401,
    "file_too_large": 413,
    "click_conflict": 409,
    "quota_exceeded": 413,
    "disk_full": 507,
    "disk_unwritable": 507,
    "busy": 503,
}
_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "file_too_large",
    416: "bad_range",
    503: "busy",
}


def refuse(request: Request, error: Exception) -> Response:
    """An error of ours, by what the caller can do about it."""
    assert isinstance(error, StudioError)
    # Long enough for what is under way to move on, short enough for a person who waits.
    headers = {"Retry-After": "5"} if isinstance(error, BusyError) else None
    body = {"error": {"fields": {}, **error.as_dict()}}
    return JSONResponse(body, status_code=status_of(error), headers=headers)


def status_of(error: StudioError) -> int:
    """The status of an error of ours."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, CreditError):
        return 402
    return _STATUS.get(error.code, 422 if isinstance(error, InputError) else 500)


def code_of(status: int) -> str:
    """The code of an answer that a library makes."""
    return _CODES.get(status, "bad_request" if status < 500 else "internal_error")


def refuse_http(request: Request, error: Exception) -> Response:
    """What a router says no to."""
    status = getattr(error, "status_code", 404)
    said = {404: "There is nothing here.", 405: "This address takes another method."}
    message = said.get(status, str(getattr(error, "detail", "")))
    return JSONResponse(
        {"error": {"code": code_of(status), "message": message, "fields": {}}},
        status_code=status,
        headers=getattr(error, "headers", None),
    )

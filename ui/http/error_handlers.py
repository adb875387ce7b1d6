"""Handlers that turn exceptions into responses: `{"error": {code, message, fields}}` with a status."""

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


def handle_studio_error(request: Request, error: Exception) -> Response:
    """Respond to a StudioError; BusyError has Retry-After in seconds."""
    assert isinstance(error, StudioError)
    # Long enough for running requests to end, short enough for a person who waits.
    headers = {"Retry-After": "5"} if isinstance(error, BusyError) else None
    body = {"error": {"fields": {}, **error.as_dict()}}
    return JSONResponse(body, status_code=status_for(error), headers=headers)


def status_for(error: StudioError) -> int:
    """Return the HTTP status of an error: by its class, else by its code."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, CreditError):
        return 402
    return _STATUS.get(error.code, 422 if isinstance(error, InputError) else 500)


def code_for(status: int) -> str:
    """Return our error code for a status that a library has chosen."""
    return _CODES.get(status, "bad_request" if status < 500 else "internal_error")


def handle_http_exception(request: Request, error: Exception) -> Response:
    """Respond to an HTTPException of Starlette's router, such as 404 and 405."""
    status = getattr(error, "status_code", 404)
    messages = {404: "There is nothing here.", 405: "This address takes another method."}
    message = messages.get(status, str(getattr(error, "detail", "")))
    return JSONResponse(
        {"error": {"code": code_for(status), "message": message, "fields": {}}},
        status_code=status,
        headers=getattr(error, "headers", None),
    )

"""Wrap data and errors in the envelope of every response (Kling docs, common answer, Sept 2026)."""

from __future__ import annotations

import uuid

from starlette.responses import JSONResponse

from kling_pipeline.simulator.errors import ApiError


def success(data: object) -> JSONResponse:
    """Respond with data, HTTP 200 and code 0."""
    return JSONResponse(
        {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}
    )


def error_response(error: ApiError) -> JSONResponse:
    """Respond with an error, which has no data."""
    return JSONResponse(
        {"code": error.code, "message": error.message, "request_id": str(uuid.uuid4())},
        status_code=error.status,
    )

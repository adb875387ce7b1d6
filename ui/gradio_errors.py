"""Errors of Gradio's events and routes: one sentence each, without any text of an exception."""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ui.http.error_handlers import code_for, status_for
from ui.http.unexpected_errors import log_exception, to_studio_error

__all__ = ["EXCEPTION_HANDLERS", "MAX_SESSIONS", "SafeBlocks"]

# Gradio keeps a megabyte for each visit, closed or not; its default is the newest ten thousand visits.
MAX_SESSIONS = 200
_MESSAGES = {
    401: "This needs a sign-in.",
    404: "There is nothing here.",
    405: "This address takes another method.",
    413: "The file is too large.",
    503: "The page has too much in hand. Try again in a moment.",
}
_BAD_REQUEST = "This is not a request of the page. Reload the page and try again."


class SafeBlocks(gr.Blocks):
    """Blocks whose errors reach the browser as one sentence; Gradio would send and print the exception itself."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.state_session_capacity = MAX_SESSIONS

    async def process_api(self, *args: Any, **named: Any) -> dict[str, Any]:
        """Run one event; gr.Error with a message for the user when it fails."""
        try:
            return await super().process_api(*args, **named)
        # Also Gradio's own errors about a value: their text quotes the input.
        except Exception as error:
            log_exception(error, "an event of the page")
            raise gr.Error(to_studio_error(error).message, print_exception=False) from None


def _handle(request: Request, error: Exception) -> Response:
    """Respond to an error of Gradio's routes; Gradio's script reads `detail`, other clients `error`."""
    if isinstance(error, HTTPException):
        status, message = error.status_code, _MESSAGES.get(error.status_code, _BAD_REQUEST)
        code = code_for(status)
    elif isinstance(error, RequestValidationError):
        status, code, message = 422, "invalid_input", _BAD_REQUEST
    else:
        shown = to_studio_error(error)
        status, code, message = status_for(shown), shown.code, shown.message
    body: dict[str, Any] = {"error": {"code": code, "message": message, "fields": {}}}
    if request.url.path.startswith("/gradio_api"):
        body["detail"] = message
    return JSONResponse(body, status, getattr(error, "headers", None))


EXCEPTION_HANDLERS: dict[Any, Any] = {
    HTTPException: _handle,
    RequestValidationError: _handle,
    Exception: _handle,
}

"""Gradio's own events and routes: when they fail they say one sentence, and nothing of this machine."""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ui.http.error_handlers import code_of, status_of
from ui.http.unexpected_errors import explain, log_failure

__all__ = ["HANDLERS", "SESSIONS", "Page"]

# Each visit of the page takes a megabyte, which Gradio keeps, closed or not, for the newest ten thousand.
SESSIONS = 200
_SAID = {
    401: "This needs a sign-in.",
    404: "There is nothing here.",
    405: "This address takes another method.",
    413: "The file is too large.",
    503: "The page has too much in hand. Try again in a moment.",
}
_UNREADABLE = "This is not a request of the page. Reload the page and try again."


class Page(gr.Blocks):
    """Blocks whose failures reach the browser as a sentence: Gradio would send and print the exception itself."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.state_session_capacity = SESSIONS

    async def process_api(self, *args: Any, **named: Any) -> dict[str, Any]:
        """Runs one event."""
        try:
            return await super().process_api(*args, **named)
        # Also Gradio's own errors about a value: their text is made of what was sent.
        except Exception as error:
            log_failure(error, "an event of the page")
            raise gr.Error(explain(error).message, print_exception=False) from None


def _answer(request: Request, error: Exception) -> Response:
    """Every refusal of Gradio's routes; its script reads `detail`, everybody else `error`."""
    if isinstance(error, HTTPException):
        status, message = error.status_code, _SAID.get(error.status_code, _UNREADABLE)
        code = code_of(status)
    elif isinstance(error, RequestValidationError):
        status, code, message = 422, "invalid_input", _UNREADABLE
    else:
        told = explain(error)
        status, code, message = status_of(told), told.code, told.message
    body: dict[str, Any] = {"error": {"code": code, "message": message, "fields": {}}}
    if request.url.path.startswith("/gradio_api"):
        body["detail"] = message
    return JSONResponse(body, status, getattr(error, "headers", None))


HANDLERS: dict[Any, Any] = {
    HTTPException: _answer,
    RequestValidationError: _answer,
    Exception: _answer,
}

"""Unexpected exceptions: one sentence for the caller, one line for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kling_pipeline.errors import StorageError, StudioError
from kling_pipeline.storage.disk import storage_error
from ui.http.error_handlers import handle_studio_error

__all__ = ["handle_unexpected", "is_from_http_exception", "log_exception", "to_studio_error"]

log = logging.getLogger(__name__)
_MAX_TRACEBACKS = 200
_logged: set[str] = set()


def to_studio_error(error: BaseException) -> StudioError:
    """Return an error that may be shown; the exception's own text may name files or values of this machine."""
    for cause in _causes(error):
        if isinstance(cause, StudioError):
            return cause
        if found := storage_error(cause):
            return found
    return StudioError(
        "Something went wrong in the studio, and its log has a line about it. Try again; "
        "if it stays, run `python -m kling_pipeline doctor`.",
        code="internal_error",
    )


def log_exception(error: BaseException, where: str) -> None:
    """Log one line, with a traceback the first time that an exception of this class and place is seen."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else "?"
    kind = f"{type(error).__name__} at {place}"
    known = kind in _logged or len(_logged) >= _MAX_TRACEBACKS
    known = known or isinstance(error, StorageError) or is_from_http_exception(error)
    _logged.add(kind)
    text = " ".join(str(error).split())[:300]
    log.error("%s: %s: %s", where, kind, text, exc_info=None if known else error)


def is_from_http_exception(error: BaseException) -> bool:
    """Whether the exception was raised from an HTTPException, as Starlette does once a response has begun."""
    return isinstance(error.__cause__, HTTPException)


def handle_unexpected(request: Request, error: Exception) -> Response:
    """Respond to an exception without a handler of its own."""
    return handle_studio_error(request, to_studio_error(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its causes, and the members of groups, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        # `raise … from None` says that the context is no cause.
        origin = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        waiting += [origin] if origin is not None else []
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions

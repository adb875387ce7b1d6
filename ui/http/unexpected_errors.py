"""An exception that nobody expected: one sentence for the caller, one line for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kling_pipeline.errors import StorageError, StudioError
from kling_pipeline.storage.disk import storage_error
from ui.http.error_handlers import refuse

__all__ = ["explain", "is_refusal", "log_failure", "refuse_unknown"]

log = logging.getLogger(__name__)
_MOST_KINDS = 200
_shown: set[str] = set()


def explain(error: BaseException) -> StudioError:
    """What a person should be told of it; never its own text, which may name files or values of this machine."""
    for one in _causes(error):
        if isinstance(one, StudioError):
            return one
        if told := storage_error(one):
            return told
    return StudioError(
        "Something went wrong in the studio, and its log has a line about it. Try again; "
        "if it stays, run `python -m kling_pipeline doctor`.",
        code="internal_error",
    )


def log_failure(error: BaseException, where: str) -> None:
    """One line; the way it took only the first time that this kind is seen."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else "?"
    kind = f"{type(error).__name__} at {place}"
    known = kind in _shown or len(_shown) >= _MOST_KINDS
    known = known or isinstance(error, StorageError) or is_refusal(error)
    _shown.add(kind)
    said = " ".join(str(error).split())[:300]
    log.error("%s: %s: %s", where, kind, said, exc_info=None if known else error)


def is_refusal(error: BaseException) -> bool:
    """Whether a route refused its request, too late for an answer of its own."""
    return isinstance(error.__cause__, HTTPException)


def refuse_unknown(request: Request, error: Exception) -> Response:
    """The answer to an exception that no handler knows."""
    return refuse(request, explain(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, what it came of, and the members of a group."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        # What was met on the way and set aside is no reason.
        came_of = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        waiting += [came_of] if came_of is not None else []
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions

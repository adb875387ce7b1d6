"""Delete the temporary files of Gradio's upload route when an upload breaks off, is incomplete or has no field."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gradio import route_utils, routes
from starlette.exceptions import HTTPException

__all__ = ["delete_partial_uploads"]

_parser: ContextVar[_Parser] = ContextVar("parser")
_receive = route_utils.upload_fn


class _Parser(route_utils.GradioMultiPartParser):
    """Gradio's parser, kept in a context variable so that its files can be found after it failed."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _parser.set(self)


async def _upload_and_clean(*args: Any, **named: Any) -> Any:
    """Receive an upload and delete its leftover files; HTTPException for a malformed form."""
    copied: list[str] = []
    try:
        answer = await _receive(*args, **named)
        copied = answer[1]
        return answer
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # What Gradio's parser raises for a malformed form; errors of the disk and of limits are of other classes.
        raise HTTPException(400) from error
    finally:
        parser = _parser.get(None)
        for file in parser._files_to_close_on_error if parser else ():
            # A kept file has been renamed by now, or is copied after the response.
            if file.name not in copied:
                with suppress(OSError):
                    file.close()
                with suppress(OSError):
                    Path(file.name).unlink()


def delete_partial_uploads() -> None:
    """Patch Gradio so that a request which ends without keeping its temporary files deletes them."""
    route_utils.GradioMultiPartParser = _Parser  # type: ignore[misc]  # the class is replaced
    routes.upload_fn = _upload_and_clean  # type: ignore[attr-defined]  # it is only imported there

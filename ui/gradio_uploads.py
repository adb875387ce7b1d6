"""What Gradio receives and does not keep: parts of uploads that broke off, lack an end, or go into no field."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gradio import route_utils, routes
from starlette.exceptions import HTTPException

__all__ = ["drop_leftovers"]

_parser: ContextVar[_Parser] = ContextVar("parser")
_receive = route_utils.upload_fn


class _Parser(route_utils.GradioMultiPartParser):
    """Gradio's own, which can be found again after it failed."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _parser.set(self)


async def _receive_and_drop(*args: Any, **named: Any) -> Any:
    """Receives an upload, or raises HTTPException; Gradio deletes its files only after an error in the form's text."""
    copied: list[str] = []
    try:
        answer = await _receive(*args, **named)
        copied = answer[1]
        return answer
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # A form that is none makes Gradio's parser stumble; what the disk or a limit refuses is none of these.
        raise HTTPException(400) from error
    finally:
        parser = _parser.get(None)
        for file in parser._files_to_close_on_error if parser else ():
            # What is kept has been renamed by now, or is copied after the answer.
            if file.name not in copied:
                with suppress(OSError):
                    file.close()
                with suppress(OSError):
                    Path(file.name).unlink()


def drop_leftovers() -> None:
    """From now on a part file of Gradio's goes as soon as its request ends without keeping it."""
    route_utils.GradioMultiPartParser = _Parser  # type: ignore[misc]  # the class is replaced
    routes.upload_fn = _receive_and_drop  # type: ignore[attr-defined]  # it is only imported there

"""Standard output and standard error as they are: whatever they cannot write is escaped, a closed one is no error."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from typing import Any, TextIO

__all__ = ["drop_unwritten", "prepare_console", "write_json", "write_line"]


def prepare_console() -> None:
    """Letters that the console does not know, and file names that are no text, are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_line(text: str, stream: TextIO | None = None) -> str | None:
    """One line, on standard output unless another stream is given; dropped when nobody reads there any more.

    What hindered it is given back where somebody may have wanted it, on a full disk for one.
    """
    stream = stream or sys.stdout
    if stream is None:  # closed before this process began
        return None
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        drop_unwritten(stream)
        return None if isinstance(error, BrokenPipeError) else error.strerror or str(error)
    return None


def drop_unwritten(stream: TextIO) -> None:
    """See that what is still buffered does not fail a second time at the end of the process."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def write_json(document: dict[str, Any]) -> str | None:
    """One JSON document on standard output, in ASCII where that is not UTF-8; what hindered it."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    utf8 = codecs.lookup(encoding).name == "utf-8"
    return write_line(json.dumps(document, ensure_ascii=not utf8))

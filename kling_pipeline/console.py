"""Standard output and standard error as they are: whatever they cannot write is escaped, a closed one is no error."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from typing import Any, TextIO

__all__ = ["prepare_console", "say", "say_json"]


def prepare_console() -> None:
    """Letters that the console does not know, and file names that are no text, are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str, stream: TextIO | None = None) -> None:
    """One line, on standard output unless another stream is given; dropped when nobody reads there any more."""
    stream = stream or sys.stdout
    if stream is None:  # closed before this process began
        return
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        # What is still buffered must not fail a second time at the end of the process.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say_json(document: dict[str, Any]) -> None:
    """One JSON document on standard output, in ASCII where that is not UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    utf8 = codecs.lookup(encoding).name == "utf-8"
    say(json.dumps(document, ensure_ascii=not utf8))

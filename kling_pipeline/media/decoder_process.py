"""A process that decodes files for another: one request a line on its input, one answer a line.

It has what memory it needs and no more, a limit of processor time for each request, no secrets in
its environment and no socket. `decoder_pool.py` starts it and ends it; it also ends with its parent,
whose end of the pipe closes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import select
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from kling_pipeline.media import clips, images
from kling_pipeline.media.formats import Unreadable, sniff_file

__all__ = ["main"]

MEMORY = 1024 * 1024 * 1024  # bytes above what it takes by itself
FILES = 200  # after which a fresh one takes over, should a library leak
IDLE_SECONDS = 60.0
NICE = 5  # the page goes first


def main() -> None:
    """Answers until the input ends, nobody asks for a while, or many files are done."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not answer
    warnings.simplefilter("ignore")
    _limit()
    _reply(answers, {"ready": True})
    asked = sys.stdin.buffer
    for _ in range(FILES):
        if not select.select([asked], [], [], IDLE_SECONDS)[0]:
            return
        line = asked.readline()
        if not line.endswith(b"\n"):
            return
        order = json.loads(line)
        # Before its bytes come: reading them is work for this file, not for the one before.
        _allow(order["seconds"])
        data = asked.read(order["bytes"]) if "bytes" in order else None
        _reply(answers, _answer(order, data))


def _reply(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _answer(order: dict[str, Any], data: bytes | None) -> dict[str, Any]:
    try:
        if order["do"] == "poster":
            return {"made": _make_poster(order)}
        with Path(order["path"]).open("rb") if data is None else io.BytesIO(data) as file:
            return _measure(file)
    except Unreadable as error:
        return {"refused": [error.code, error.sentence]}
    except MemoryError:
        return {"memory": True}
    except Exception:  # a reader raises whatever a broken file made of it
        return {"refused": ["file_cut", "This file is damaged or not whole."]}


def _measure(file: BinaryIO) -> dict[str, Any]:
    format = sniff_file(file)
    assert format is not None and format.read, "the parent asks for what can be read only"
    if format.kind == "image":
        width, height = images.measure(file, format)
        return {"width": width, "height": height, "duration": None, "fps": None}
    clip = clips.measure(file, format)
    return {
        "width": clip.width, "height": clip.height, "duration": clip.duration, "fps": clip.fps,
    }  # fmt: skip


def _make_poster(order: dict[str, Any]) -> bool:
    path, target, side = Path(order["path"]), Path(order["target"]), int(order["side"])
    if order["kind"] == "video":
        return clips.poster(path, target, side)
    images.thumbnail(path, target, side)
    return True


def _limit() -> None:
    """Memory for good. Where the system cannot tell or limit it, the parent's clock still does."""
    os.nice(NICE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (own + MEMORY, own + MEMORY))


def _allow(seconds: int) -> None:
    """Processor time for one more request; the system ends a process that takes more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds + 1
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()

"""Measuring and decoding in processes of their own, so that no file can hold or end this one.

A library that loops, leaks or crashes takes only its process with it. Starting one takes a third
of a second, so they are kept for the next file.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kling_pipeline.errors import BusyError
from kling_pipeline.media.formats import Unreadable
from kling_pipeline.settings import ROOT

__all__ = ["RESULTS", "UPLOADS", "Decoders"]

CPU_SECONDS = 10  # an honest file of the largest size takes about two
WALL_SECONDS = 60.0  # of a machine that has much else to do
_TRIES = 3  # an idle process may end just as it is asked
# Secrets stay here: a decoder meets the most hostile input there is.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_", "TMP", "PYTHON", "COVERAGE", "LD_", "DYLD_")


class Decoders:
    """At most `most` processes, started when they are needed; asked by any thread.

    `waiting` threads may wait for one and more get BusyError; None is without a limit.
    """

    def __init__(
        self, most: int, waiting: int | None = None,
        *, cpu: int = CPU_SECONDS, wall: float = WALL_SECONDS,
    ) -> None:  # fmt: skip
        self._slots = threading.BoundedSemaphore(most)
        self._bound = None if waiting is None else most + waiting
        self._cpu, self._wall = cpu, wall
        self._lock = threading.Lock()
        self._asking = self._closed = 0
        self._idle: list[_Decoder] = []
        self._all: set[_Decoder] = set()
        atexit.register(self.close)

    def measure(self, data: bytes | Path, name: str) -> dict[str, Any]:
        """Return `{width, height, duration, fps}` of a file called `name` in what is said of it; Unreadable."""
        order = {"do": "measure"}
        if isinstance(data, bytes):
            return self._ask(order, name, data)
        return self._ask({**order, "path": str(data)}, name)

    def make_poster(self, path: Path, kind: str, target: Path, side: int) -> bool:
        """Write a JPG of a picture or a video; False when there is none, Unreadable when it cannot be."""
        order = {"do": "poster", "path": str(path), "kind": kind, "target": str(target)}
        return bool(self._ask({**order, "side": side}, "file").get("made"))

    def close(self) -> None:
        """End every process; who waits for one that is at work gets BusyError."""
        with self._lock:
            idle, busy = self._idle, self._all.difference(self._idle)
            self._idle, self._all = [], set()
            self._closed += 1
        for one in busy:
            one.kill()
        for one in idle:
            one.end()

    def _ask(self, order: dict[str, Any], name: str, data: bytes | None = None) -> dict[str, Any]:
        order["seconds"] = self._cpu
        with self._slot():
            closed = self._closed
            for _ in range(_TRIES):
                decoder = self._take()
                answer = decoder.ask(order, data, self._wall)
                if answer is None:
                    self._drop(decoder)
                    if self._closed != closed:
                        break
                    if decoder.left:
                        continue
                    raise Unreadable(
                        "file_too_complex",
                        f"This {name} takes more time or memory to read than any file should. "
                        "Save it anew with another program.",
                    )
                self._give(decoder)
                if "refused" in answer:
                    raise Unreadable(*answer["refused"])
                return answer
        raise BusyError("Files cannot be measured at this moment; try again in a few seconds.")

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        with self._lock:
            if self._bound is not None and self._asking >= self._bound:
                raise BusyError(
                    "As many files as can be measured at once are being measured. Nothing was "
                    "taken; try again in a few seconds."
                )
            self._asking += 1
        try:
            with self._slots:
                yield
        finally:
            with self._lock:
                self._asking -= 1

    def _take(self) -> _Decoder:
        with self._lock:
            while self._idle:
                one = self._idle.pop()
                if one.lives:
                    return one
                self._all.discard(one)
                one.end()
        started = _Decoder()
        with self._lock:
            self._all.add(started)
        return started

    def _give(self, decoder: _Decoder) -> None:
        with self._lock:
            if decoder in self._all and not decoder.killed:
                self._idle.append(decoder)
                return
        self._drop(decoder)

    def _drop(self, decoder: _Decoder) -> None:
        with self._lock:
            self._all.discard(decoder)
        decoder.end()


class _Decoder:
    """One process and the two pipes to it."""

    def __init__(self) -> None:
        own = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kling_pipeline.media.decoder_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True,
            env={**own, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        self._begun = False
        self.left = self.killed = False

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ask(
        self, order: dict[str, Any], data: bytes | None, seconds: float
    ) -> dict[str, Any] | None:
        """Return the answer; None when it died, `left` then tells that the file had no part in it."""
        clock = threading.Timer(seconds, self.kill)
        clock.daemon = True
        clock.start()
        try:
            self._begun = self._begun or self._receive() is not None
            answer = self._exchange(order, data) if self._begun else None
        finally:
            clock.cancel()
            clock.join()  # it may fire at this very moment; from here on `killed` is known
        if answer is not None and "memory" not in answer:
            return answer
        if answer is None:
            # Its pipe is closed; by itself it ends with 0, and before the first word nothing was read.
            self.left = self._process.wait() == 0 or not self._begun
        return None

    def kill(self) -> None:
        """End it in the middle of its work; the thread that asked sees its answer missing.

        If the answer is there already it counts, but nothing more is asked of this one.
        """
        self.killed = True
        self._process.kill()

    def end(self) -> None:
        """End it when nobody asks it any more: its input closes, and it goes."""
        with contextlib.suppress(OSError), self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _exchange(self, order: dict[str, Any], data: bytes | None) -> dict[str, Any] | None:
        head = {**order, "bytes": len(data)} if data is not None else order
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps(head).encode() + b"\n")
            if data is not None:
                pipe.write(data)
            pipe.flush()
        except OSError:
            return None
        return self._receive()

    def _receive(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None


# A person waits for an upload, and a crowd of them is refused; a result waits as long as it must.
UPLOADS = Decoders(most=max(2, min(4, os.cpu_count() or 2)), waiting=8)
RESULTS = Decoders(most=2)

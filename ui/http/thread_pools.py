"""Thread pools for heavy and slow requests, so that the light routes always find a free thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from kling_pipeline.errors import BusyError

__all__ = ["FILE_THREADS", "KLING_THREADS", "ThreadPool"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class ThreadPool:
    """Runs up to `max_threads` calls at once, queues `max_waiting` more, and refuses the rest.

    Starlette's own pool has forty threads for all routes; forty slow uploads would block every one.
    """

    def __init__(self, max_threads: int, max_waiting: int) -> None:
        self._limiter = CapacityLimiter(max_threads)
        self._max_calls, self._calls = max_threads + max_waiting, 0

    async def run(self, work: Callable[_P, _T], /, *args: _P.args, **named: _P.kwargs) -> _T:
        """Run `work` in a thread and return its result; BusyError, before it starts, when the queue is full."""
        if self._calls >= self._max_calls:
            raise BusyError(
                "The studio has as much in hand as it can bear. Nothing was taken and nothing was "
                "charged; try again in a few seconds.",
            )
        # Counted on the event loop alone, so no lock is needed.
        self._calls += 1
        try:
            return await to_thread.run_sync(partial(work, *args, **named), limiter=self._limiter)
        finally:
            self._calls -= 1


# For uploads and bodies with files. A waiting request occupies memory, but no thread.
FILE_THREADS = ThreadPool(max_threads=4, max_waiting=48)
# For calls to Kling that a client waits for: up to a minute each.
KLING_THREADS = ThreadPool(max_threads=8, max_waiting=32)

"""Heavy and slow work of requests in threads of its own, so that the light routes always find one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from kling_pipeline.errors import BusyError

__all__ = ["FILES", "KLING", "Capacity"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Capacity:
    """Runs a few calls at once in threads, lets a number wait, and refuses the rest.

    Starlette's own pool has forty threads for every route; forty slow files would silence them all.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._most, self._taken = at_once + waiting, 0

    async def run(self, work: Callable[_P, _T], /, *args: _P.args, **named: _P.kwargs) -> _T:
        """Run `work` in a thread and return its result; BusyError, before it began, when full."""
        if self._taken >= self._most:
            raise BusyError(
                "The studio has as much in hand as it can bear. Nothing was taken and nothing was "
                "charged; try again in a few seconds.",
            )
        # Counted on the event loop alone, so no lock is needed.
        self._taken += 1
        try:
            return await to_thread.run_sync(partial(work, *args, **named), limiter=self._limiter)
        finally:
            self._taken -= 1


# Uploads and bodies that bring files. A waiting one holds no thread, only what it has sent.
FILES = Capacity(at_once=4, waiting=48)
# What is asked of Kling while somebody waits for the answer: up to a minute each.
KLING = Capacity(at_once=8, waiting=32)

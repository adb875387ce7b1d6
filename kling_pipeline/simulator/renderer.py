"""Run render jobs beside the server, so that no answer waits for a file."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.simulator.clips import to_mp3
from kling_pipeline.simulator.options import Media
from kling_pipeline.simulator.plain import make_plain

log = logging.getLogger(__name__)
_WORKERS = 2
_TRIES = 3
_AGAIN_SECONDS = 1.0
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Renderer:
    """Makes the files of tasks in a pool of its own, which starts with the first task.

    Drawn media take processes of low priority; plain ones are so cheap that a thread does.
    """

    def __init__(self, media: Media, folder: Path) -> None:
        self._media = media
        self._folder = folder
        self._pool: Executor | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, jobs: Sequence[RenderJob], done: Callable[[Exception | None], None]) -> None:
        """Start drawing; `done` is called on the event loop with the error, if there was one."""
        task = asyncio.get_running_loop().create_task(self._make_and_tell(jobs, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Stop at once; what is unfinished is drawn again after a restart."""
        for task in self._tasks:
            task.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        if self._media == "drawn":
            for child in multiprocessing.active_children():
                child.terminate()

    async def make(self, jobs: Sequence[RenderJob]) -> None:
        """Draw and wait; raises whatever the drawing raises."""
        await asyncio.gather(*(self._one(job) for job in jobs))

    async def _make_and_tell(
        self, jobs: Sequence[RenderJob], done: Callable[[Exception | None], None]
    ) -> None:
        error, told = await self._drawn(jobs), ""
        while True:
            try:
                done(error)
                return
            except sqlite3.OperationalError as full:  # the disk, say; the task must still end
                if str(full) != told:
                    told = str(full)
                    log.warning("A task's end cannot be written, and is tried again: %s", told)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _drawn(self, jobs: Sequence[RenderJob]) -> Exception | None:
        """What drawing raised, if anything; a disk that is full is nothing of the task's, so it is waited for."""
        told = False
        while True:
            try:
                await self.make(jobs)
                return None
            except OSError as problem:
                if problem.errno not in _FULL:
                    return problem
                if not told:
                    log.warning("A task cannot be drawn, and is tried again: %s", problem.strerror)
                told = True
            except Exception as problem:  # a broken drawing must fail its task, not hang it
                return problem
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _one(self, job: RenderJob) -> None:
        target = self._folder / job.file
        if target.exists():
            return
        work = _draw if self._media == "drawn" else make_plain
        for attempt in range(_TRIES):
            pool = self._pool = self._pool or self._open()
            try:
                await asyncio.get_running_loop().run_in_executor(pool, work, job, target)
                if job.kind == "audio":
                    await asyncio.to_thread(to_mp3, target, target.with_suffix(".mp3"))
                return
            except BrokenExecutor:
                # A worker was killed (out of memory, say): only a new pool can go on.
                if self._pool is pool:
                    self._pool = None
                if attempt == _TRIES - 1:
                    raise

    def _open(self) -> Executor:
        if self._media == "plain":
            return ThreadPoolExecutor(1, "plain")
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(_WORKERS, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    with contextlib.suppress(OSError):
        os.nice(5)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool's worker does not notice that its server was killed: it would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _draw(job: RenderJob, target: Path) -> None:
    # Only a worker needs the scenes: the server starts in a third of the time without them.
    from kling_pipeline.drawing.renderer import render  # noqa: PLC0415

    render(job, target)

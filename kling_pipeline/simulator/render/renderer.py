"""Run render jobs beside the server, so that no response waits for a file."""

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
from kling_pipeline.simulator.options import Media
from kling_pipeline.simulator.render.clips import to_mp3
from kling_pipeline.simulator.render.plain_media import write_plain

_log = logging.getLogger(__name__)
_WORKERS = 2
_MAX_ATTEMPTS = 3
_RETRY_SECONDS = 1.0
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class Renderer:
    """Makes the files of tasks in a pool of its own, which starts with the first task.

    Drawn media take processes of low priority; plain ones are so cheap that a thread does.
    """

    def __init__(self, media: Media, folder: Path) -> None:
        self._media = media
        self._folder = folder
        self._pool: Executor | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, jobs: Sequence[RenderJob], done: Callable[[Exception | None], None]) -> None:
        """Start rendering; `done` is called on the event loop with the error, if there was one."""
        task = asyncio.get_running_loop().create_task(self._render_and_report(jobs, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Stop at once; what is unfinished is rendered again after a restart."""
        for task in self._tasks:
            task.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        if self._media == "drawn":
            for child in multiprocessing.active_children():
                child.terminate()

    async def render(self, jobs: Sequence[RenderJob]) -> None:
        """Render and wait; raises whatever the rendering raises."""
        await asyncio.gather(*(self._render_one(job) for job in jobs))

    async def _render_and_report(
        self, jobs: Sequence[RenderJob], done: Callable[[Exception | None], None]
    ) -> None:
        error, logged = await self._render_until_done(jobs), ""
        while True:
            try:
                done(error)
                return
            except sqlite3.OperationalError as failure:
                # The disk is full, say; the task must still end.
                if str(failure) != logged:
                    logged = str(failure)
                    _log.warning("A task's end cannot be written, and is tried again: %s", logged)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _render_until_done(self, jobs: Sequence[RenderJob]) -> Exception | None:
        """Render and return the error, if any; try again as long as the disk is full."""
        logged = False
        while True:
            try:
                await self.render(jobs)
                return None
            except OSError as error:
                if error.errno not in _DISK_FULL:
                    return error
                if not logged:
                    _log.warning("A task cannot be drawn, and is tried again: %s", error.strerror)
                logged = True
            except Exception as error:  # a broken rendering must fail its task, not hang it
                return error
            await asyncio.sleep(_RETRY_SECONDS)

    async def _render_one(self, job: RenderJob) -> None:
        target = self._folder / job.file
        if target.exists():
            return
        work = _render_drawn if self._media == "drawn" else write_plain
        for attempt in range(_MAX_ATTEMPTS):
            pool = self._pool = self._pool or self._open_pool()
            try:
                await asyncio.get_running_loop().run_in_executor(pool, work, job, target)
                if job.kind == "audio":
                    await asyncio.to_thread(to_mp3, target, target.with_suffix(".mp3"))
                return
            except BrokenExecutor:
                # A worker was killed (out of memory, say): only a new pool can go on.
                if self._pool is pool:
                    self._pool = None
                if attempt == _MAX_ATTEMPTS - 1:
                    raise

    def _open_pool(self) -> Executor:
        if self._media == "plain":
            return ThreadPoolExecutor(1, "plain")
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(_WORKERS, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    with contextlib.suppress(OSError):
        os.nice(5)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End a worker with its server: a pool's worker does not notice that its server was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _render_drawn(job: RenderJob, target: Path) -> None:
    # Only a worker needs the scenes: the server starts in a third of the time without them.
    from kling_pipeline.drawing.renderer import render  # noqa: PLC0415

    render(job, target)

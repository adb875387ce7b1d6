"""The only file that knows Huey: its queue carries "look at this job again", and the scheduler sends that.

Huey forgets a task that is running when the process dies, so nothing is true because Huey says so. What it loses, the
next tick finds in the rows. Messages are JSON: Huey's own serializer would run whatever is put into its file.
"""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from huey import SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from kling_pipeline.errors import BusyError, StorageError
from kling_pipeline.jobs.leases import SCHEDULER_LEASE, drop_leases, hold_lease
from kling_pipeline.jobs.recover import keep_leases
from kling_pipeline.pipeline import Pipeline

log = logging.getLogger(__name__)
_TICK, _RESUME, _NOTIFY_AGAIN, _QUEUE_RETRY = 1.0, 60.0, 10.0, 10.0  # seconds
_TICKER_SECONDS = 2.0  # a tick that waits for Kling may last a minute
_RENEW_AFTER, _HANGS_AFTER = (
    5.0,
    300.0,
)  # seconds of a tick after which its leases are renewed, and are not any more
_SHUTDOWN_SECONDS = 10.0
_LOG_AGAIN = 60.0
_MESSAGES_PER_THREAD = 16  # messages that may wait for each thread
_QUEUE_SECONDS = (
    3.0  # a message is written in milliseconds, unless somebody stopped with the file locked
)


class _Json(Serializer):  # type: ignore[misc]  # Huey has no types
    """Plain values only; anything else in the file is refused, not run."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        value = json.loads(bytes(data))
        return (
            Message(*value)
            if isinstance(value, list) and len(value) == len(Message._fields)
            else value
        )


class _QuietConsumer(Consumer):  # type: ignore[misc]
    """A consumer beside a web server, which owns the signals."""

    def _set_signal_handlers(self) -> None: ...


class Worker:
    """Huey's threads and the tick, in this process; `start` returns at once, `stop` waits for what is in hand."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        settings = pipeline.settings
        path = settings.studio_data_dir / "queue.db"
        self.huey = SqliteHuey(
            "studio", filename=str(path), results=False, serializer=_Json(), fsync=False,
            timeout=_QUEUE_SECONDS,
        )  # fmt: skip
        os.chmod(path, 0o600)
        self._advance = self.huey.task(name="advance")(self._advance_one)
        self._consumer = _QuietConsumer(
            self.huey,
            workers=max(1, settings.studio_workers),
            periodic=False,
            initial_delay=settings.scaled(0.05),
            max_delay=max(0.01, settings.scaled(0.4)),
            check_worker_health=False,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        self._stop = threading.Event()
        self._ticker = threading.Thread(target=self._run, name="worker-clock", daemon=True)
        self._ticked_at = time.monotonic()
        self._renewer = threading.Thread(
            target=self._renew_leases, name="worker-leases", daemon=True
        )
        self._local_threads: set[threading.Thread] = set()
        self._queue_limit = _MESSAGES_PER_THREAD * max(1, settings.studio_workers)
        self._queue_retry_at = -math.inf
        self._last_error = "", -math.inf  # the last complaint, and until when it is not said again
        self._notified: dict[str, float] = {}
        self._lock = threading.Lock()
        self.before_tick: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Start the threads; jobs that a dead process left behind are taken up at once."""
        self.pipeline.engine.notify = self.notify
        self.pipeline.engine.stopping = self._stop
        try:
            self.pipeline.resume()
            if (
                self._holds_scheduler_lease()
            ):  # now, so that doctor does not say for a second that nobody works
                # What a dead process was told; the rows say what is due.
                self.huey.storage.flush_queue()
        except (StorageError, BusyError) as error:
            # The page says so, too; with room again the ticks go on by themselves.
            self._log_error("start", error)
        self._consumer.start()
        self._ticker.start()
        self._renewer.start()

    def stop(self) -> None:
        """Give the leases back, then lets what is in hand end; a look that Kling does not answer is left to itself."""
        self._stop.set()
        engine = self.pipeline.engine
        try:
            # A job in hand is leased by its own row; another process may do all the rest at once.
            engine.store.write(lambda db: drop_leases(db, engine))
        except Exception as error:  # a full disk must not keep the threads from ending
            log.warning("the leases end by themselves: %s", error)
        self._ticker.join(_TICKER_SECONDS)
        self._consumer.stop(graceful=True)
        engine.notify = lambda job_id: None
        end = time.monotonic() + _SHUTDOWN_SECONDS
        with self._lock:
            local_threads = tuple(self._local_threads)
        for thread in local_threads:
            thread.join(max(0.0, end - time.monotonic()))

    def notify(self, job_id: str) -> None:
        """Ask for one look at a job; a second notification soon after adds nothing.

        A notification is forgotten after a while: another process may have taken the message and died with it.
        Where the queue's file is locked or broken, this process does the step itself: the queue is a convenience.
        """
        now = time.monotonic()
        with self._lock:
            if now - self._notified.get(job_id, -math.inf) < self.pipeline.settings.scaled(
                _NOTIFY_AGAIN
            ):
                return
            self._notified[job_id] = now
            queue_down = now < self._queue_retry_at
        if not queue_down:
            try:
                self._advance(job_id)
                return
            except Exception as error:
                log.warning("the queue cannot be written: %s", error)
                self._queue_retry_at = time.monotonic() + _QUEUE_RETRY
        self._advance_in_thread(job_id)

    def _advance_in_thread(self, job_id: str) -> None:
        def run() -> None:
            try:
                self._advance_one(job_id)
            finally:
                self._local_threads.discard(thread)

        # Python would wait at its end for a pool's threads, however long Kling takes.
        thread = threading.Thread(target=run, name="worker-here", daemon=True)
        most = max(1, self.pipeline.settings.studio_workers)
        with self._lock:
            if not self._stop.is_set() and len(self._local_threads) < most:
                self._local_threads.add(thread)
                try:
                    thread.start()
                    return
                except (RuntimeError, MemoryError) as error:  # the system gives no more threads
                    log.warning("no look here: %s", error)
                    self._local_threads.discard(thread)
            self._notified.pop(job_id, None)  # the next tick asks again

    def _advance_one(self, job_id: str) -> None:
        with self._lock:
            self._notified.pop(job_id, None)
        try:
            self.pipeline.advance(job_id)
        except Exception:
            # Not even the failure could be written down: recovery goes on from the row when its lease ends.
            log.exception("advance %s", job_id)

    def _run(self) -> None:
        scaled = self.pipeline.settings.scaled
        resumed = time.monotonic()
        while not self._stop.wait(max(0.01, scaled(_TICK))):
            self._ticked_at = time.monotonic()
            try:
                self.before_tick()
                if not self._holds_scheduler_lease():
                    continue
                if time.monotonic() - resumed > scaled(_RESUME):
                    resumed = time.monotonic()
                    self.pipeline.resume()
                due = self.pipeline.tick()
                # What does not fit is still due at the next tick; a short line is one in which nothing waits long.
                for job_id in due[: max(0, self._queue_limit - self.huey.pending_count())]:
                    self.notify(job_id)
            except Exception as error:
                self._log_error("tick", error)

    def _renew_leases(self) -> None:
        """Renew the leases during a tick that waits for Kling; one that hangs loses what only one process may do."""
        scaled = self.pipeline.settings.scaled
        while not self._stop.wait(max(0.01, scaled(_RENEW_AFTER))):
            if time.monotonic() - self._ticked_at > scaled(_RENEW_AFTER):
                try:
                    self._holds_scheduler_lease()
                except Exception as error:
                    self._log_error("leases", error)

    def _log_error(self, where: str, error: Exception) -> None:
        """At most once a minute: tens of megabytes a day would be written, perhaps to the very disk that is full."""
        line, now = f"{where}: {type(error).__name__}: {error}", time.monotonic()
        if line == self._last_error[0] and now < self._last_error[1]:
            return
        self._last_error = line, now + _LOG_AGAIN
        # What a disk or a lock refuses is told by its sentence alone.
        expected = isinstance(error, StorageError | BusyError)
        log.error("%s", line, exc_info=None if expected else error)

    def _holds_scheduler_lease(self) -> bool:
        engine = self.pipeline.engine
        hangs = time.monotonic() - self._ticked_at > self.pipeline.settings.scaled(_HANGS_AFTER)

        def write(db: Any) -> bool:
            keep_leases(db, engine)
            # Written one after the other: once the leases are given back, none is taken again.
            return not (hangs or self._stop.is_set()) and hold_lease(db, engine, SCHEDULER_LEASE)

        return engine.store.write(write)

"""The one thread that writes: transactions in groups, an answer for every caller whatever happens to them."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any, TypeVar

from kling_pipeline.errors import BusyError
from kling_pipeline.storage.disk import storage_error

T = TypeVar("T")
Connection = sqlite3.Connection
log = logging.getLogger(__name__)
_GROUP = 64


@dataclass(frozen=True)
class _Task:
    work: Callable[[Connection], Any]
    future: Future[Any]

    def settle(self, result: Any, failure: BaseException | None) -> None:
        # Somebody who no longer waits must not keep the others waiting.
        with contextlib.suppress(InvalidStateError):
            if failure is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(storage_error(failure) or failure)


class Writer:
    """Commits what threads hand in; a connection that failed is not trusted again but opened anew."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._db: Connection | None = None
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = self._start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Hand work in; the future always ends. BusyError once the writer is closed."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a write within a write would wait for itself")
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise BusyError("The studio is stopping. Nothing was kept; try again in a moment.")
            if not self._thread.is_alive():
                self._thread = self._start()
            self._tasks.put(_Task(work, future))
        return future

    def close(self) -> None:
        """End the thread after what was handed in before; returns when that is done."""
        with self._lock:
            first, self._closed = not self._closed, True
            if first:
                self._tasks.put(None)
        self._thread.join()

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._gather()
            try:
                self._write(group)
            except (
                BaseException
            ) as error:  # a thread that ends here would leave every caller waiting
                log.exception("the writer")
                for task in group:
                    task.settle(None, error)
        self._forget()

    def _gather(self) -> tuple[list[_Task], bool]:
        """Return what waits, but for its end, and whether the end was reached."""
        group: list[_Task] = []
        while not group or (len(group) < _GROUP and not self._tasks.empty()):
            task = self._tasks.get()
            if task is None:
                return group, True
            group.append(task)
        return group, False

    def _write(self, group: Sequence[_Task]) -> None:
        """Commit a group; where one of it spoils the transaction, each alone."""
        if not group:
            return
        try:
            if self._db is None:
                self._db = self._connect()
            self._db.execute("BEGIN IMMEDIATE")
        except Exception as error:
            # It is nobody's own fault: each alone would only wait for the same lock again.
            self._forget()
            for task in group:
                task.settle(None, error)
            return
        try:
            outcomes = _commit(self._db, group)
        except BaseException as error:
            self._forget()
            if len(group) > 1:
                for task in group:
                    self._write([task])
                return
            outcomes = [(None, error)]
        for task, outcome in zip(group, outcomes, strict=True):
            task.settle(*outcome)

    def _forget(self) -> None:
        """Close the connection, and with it what it had begun."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()


def _commit(db: Connection, group: Sequence[_Task]) -> list[tuple[Any, BaseException | None]]:
    """End the open transaction, a savepoint for each; raises when nothing of it was kept."""
    outcomes: list[tuple[Any, BaseException | None]] = []
    for task in group:
        db.execute("SAVEPOINT one")
        try:
            outcomes.append((task.work(db), None))
        except BaseException as error:  # whatever a caller's work raises is the caller's to hear
            # A full disk ends the whole transaction, savepoints included.
            if not db.in_transaction:
                raise
            db.execute("ROLLBACK TO one")
            outcomes.append((None, error))
        db.execute("RELEASE one")
    db.execute("COMMIT")
    return outcomes

"""The SQLite file: one writer that commits in groups, a few readers that never wait for it."""

from __future__ import annotations

import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from kling_pipeline.errors import BusyError, StorageError, StudioError
from kling_pipeline.storage.disk import storage_error
from kling_pipeline.storage.migrations import migrations
from kling_pipeline.storage.sqlite import Database
from kling_pipeline.storage.writer import Writer

T = TypeVar("T")
Connection = sqlite3.Connection
_BUSY_SECONDS = 30
_READERS, _KEPT = 8, 4  # connections that read at once, and that stay open for the next to read
_PROBE_SECONDS, _PROBE_AGAIN = 5.0, 1.0


class Store:
    """`studio.db`: WAL, synchronous FULL, every writing transaction opened by BEGIN IMMEDIATE.

    FULL because an intent to spend must be on the disk before the request that spends; group commit because many
    threads that wait for one lock starve each other.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._slots = threading.BoundedSemaphore(_READERS)
        self._reading = threading.local()
        self._probe: tuple[float, Future[None]] | None = None
        # SQLite counts what others commit for each connection apart, so one asks all the time.
        self._watch: Connection | None = None
        self._watches = 0
        # One each: to connect may take as long as a lock is waited for, and health is told within seconds.
        self._probe_lock, self._watch_lock = threading.Lock(), threading.Lock()
        try:
            self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise StudioError(
                f"{path} cannot be opened for writing: {error}. Nothing was changed. "
                "Look whether the disk is full or read-only, then start again.",
                code="store_unwritable",
            ) from None
        self._closed = False
        self._writer = Writer(self._connect)

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Two processes that begin together on a new file would both make the tables.
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with closing(self._connect()) as db:
                os.chmod(self.path, 0o600)
                _migrate(Database(db), self.path)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction and returns its result once that is on the disk.

        `work` must touch nothing but the connection: it may be run again. What it raises is raised here, and then
        nothing of it is kept; StorageError where the disk takes nothing.
        """
        return self._writer.submit(work).result()

    def check(self) -> None:
        """Commit a row to see whether that is possible; raises what a write would raise, within seconds.

        Many who ask at the same time ask once.
        """
        with self._probe_lock:
            now = time.monotonic()
            fresh = self._probe and (
                not self._probe[1].done() or now - self._probe[0] < _PROBE_AGAIN
            )
            if self._probe is None or not fresh:
                self._probe = now, self._writer.submit(_write_probe)
            future = self._probe[1]
        try:
            future.result(_PROBE_SECONDS)
        except TimeoutError:
            raise StorageError(
                "The store takes no writes: the disk or a lock does not answer."
            ) from None

    def version(self) -> tuple[int, int]:
        """Another value whenever anything was committed since, by whatever process; costs no look at the rows."""
        with self._watch_lock:
            if self._closed:
                raise BusyError("The studio is stopping. Ask again in a moment.")
            try:
                if self._watch is None:
                    self._watch, self._watches = self._connect(), self._watches + 1
                return self._watches, self._watch.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error as error:
                self._unwatch()
                raise storage_error(error) or error from error

    def _unwatch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state and cannot write; within another read it is the same one."""
        outer: Connection | None = getattr(self._reading, "db", None)
        if outer is not None:
            yield outer
            return
        if not self._slots.acquire(timeout=_BUSY_SECONDS):
            raise BusyError("Too many questions are being answered at this moment; ask again.")
        try:
            yield from self._read()
        finally:
            self._slots.release()

    def _read(self) -> Iterator[Connection]:
        db = None
        try:
            db = self._reading.db = self._reader()
            db.execute("BEGIN")
            yield db
            db.execute("ROLLBACK")
        except BaseException as error:
            if db is not None:
                db.close()
            if wrapped := storage_error(error):
                raise wrapped from error
            raise
        finally:
            self._reading.db = None
        if self._closed or self._idle.qsize() >= _KEPT:
            db.close()
        else:
            self._idle.put(db)

    def close(self) -> None:
        """End the writer after what is already handed in."""
        self._closed = True
        self._writer.close()
        with self._watch_lock:
            self._unwatch()
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _reader(self) -> Connection:
        """One that nobody reads with at the moment: to open and set one up takes as long as a question."""
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            db = self._connect()
            db.execute("PRAGMA query_only = ON")
            return db

    def _connect(self) -> Connection:
        db = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")  # macOS: without it FULL does not reach the platter
        db.execute("PRAGMA foreign_keys = ON")
        return db


def _write_probe(db: Connection) -> None:
    set_meta(db, "probe", time.time_ns())


def _migrate(db: Database, path: Path) -> None:
    """Bring the tables up to this program, each change whole or not at all; StudioError if they are ahead of it."""
    released = {one.name for one in migrations.pending(Database(memory=True))}
    ahead = [one.name for one in migrations.applied(db) if one.name not in released]
    if ahead:
        raise StudioError(
            f"{path} was written by a newer Kling Studio ({ahead[-1]}); nothing in it was touched. "
            "Start that version again, or point STUDIO_DATA_DIR at another folder.",
            code="newer_store",
        )
    migrations.apply(db)


def bump(db: Connection) -> int:
    """Return the next revision; taken in the transaction whose change it numbers."""
    row = db.execute(
        "UPDATE meta SET value = value + 1 WHERE key = 'rev' RETURNING value"
    ).fetchone()
    return int(row[0])


def get_meta(db: Connection, key: str) -> Any:
    """Return a value of the meta table, or None."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return row[0] if row else None


def set_meta(db: Connection, key: str, value: str | int | None) -> None:
    """Set a value of the meta table; None removes it."""
    if value is None:
        db.execute("DELETE FROM meta WHERE key = ?", [key])
    else:
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, value],
        )

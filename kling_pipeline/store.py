"""The SQLite file: one writer that commits in groups, readers that never wait."""

from __future__ import annotations

import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from kling_pipeline.errors import StudioError
from kling_pipeline.schema import migrations
from kling_pipeline.tables import Database

T = TypeVar("T")
Connection = sqlite3.Connection
_BUSY_SECONDS = 30
_GROUP = 64


class Store:
    """`studio.db`: WAL, synchronous FULL, every writing transaction opened by BEGIN IMMEDIATE.

    FULL because an intent to spend must be on the disk before the request that spends; group commit because many
    threads that wait for one lock starve each other.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._work: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None]
        self._work = queue.SimpleQueue()
        self._readers: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        try:
            self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise StudioError(
                f"{path} cannot be opened for writing: {error}. Nothing was changed. "
                "Look whether the disk is full or read-only, then start again.",
                code="store_unwritable",
            ) from None
        self._closed = False
        self._writer = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self._writer.start()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Two processes that begin together on a new file would both make the tables.
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with closing(self._connect()) as db:
                os.chmod(self.path, 0o600)
                _migrate(Database(db), self.path)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction and returns its result once that is on the disk.

        `work` must touch nothing but the connection: it may be run again. What it raises is raised here, and then
        nothing of it is kept.
        """
        if self._closed:
            raise sqlite3.ProgrammingError("the store is closed")
        future: Future[T] = Future()
        self._work.put((work, future))
        return future.result()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state and cannot write."""
        db = self._reader()
        try:
            db.execute("BEGIN")
            yield db
            db.execute("ROLLBACK")
        except BaseException:
            db.close()
            raise
        if self._closed:
            db.close()
        else:
            self._readers.put(db)

    def close(self) -> None:
        """Ends the writer after what is already queued."""
        if not self._closed:
            self._closed = True
            self._work.put(None)
            self._writer.join()
            while not self._readers.empty():
                self._readers.get().close()

    def _reader(self) -> Connection:
        """One that nobody reads with at the moment: to open and set one up takes as long as a question."""
        try:
            return self._readers.get_nowait()
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

    def _write_all(self) -> None:
        with closing(self._connect()) as db:
            while (first := self._work.get()) is not None:
                group, last = [first], False
                while len(group) < _GROUP and not self._work.empty():
                    following = self._work.get()
                    if following is None:
                        last = True
                        break
                    group.append(following)
                if not self._commit(db, group):
                    for one in group:
                        self._commit(db, [one], alone=True)
                if last:
                    return

    def _commit(
        self,
        db: Connection,
        group: list[tuple[Callable[[Connection], Any], Future[Any]]],
        *,
        alone: bool = False,
    ) -> bool:
        """One transaction for the group, a savepoint for each; False when it must be run one by one."""
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            db.execute("BEGIN IMMEDIATE")
            for work, future in group:
                db.execute("SAVEPOINT one")
                try:
                    outcomes.append((future, work(db), None))
                except Exception as error:
                    # A full disk ends the whole transaction, savepoints included.
                    if not db.in_transaction:
                        raise
                    db.execute("ROLLBACK TO one")
                    outcomes.append((future, None, error))
                db.execute("RELEASE one")
            db.execute("COMMIT")
        except Exception as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if not alone:
                return False
            group[0][1].set_exception(error)
            return True
        for future, result, failure in outcomes:
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(result)
        return True


def _migrate(db: Database, path: Path) -> None:
    """Brings the tables up to this program, each change whole or not at all; StudioError if they are ahead of it."""
    known = {one.name for one in migrations.pending(Database(memory=True))}
    ahead = [one.name for one in migrations.applied(db) if one.name not in known]
    if ahead:
        raise StudioError(
            f"{path} was written by a newer Kling Studio ({ahead[-1]}); nothing in it was touched. "
            "Start that version again, or point STUDIO_DATA_DIR at another folder.",
            code="newer_store",
        )
    migrations.apply(db)


def bump(db: Connection) -> int:
    """The next revision; taken in the transaction whose change it numbers."""
    row = db.execute(
        "UPDATE meta SET value = value + 1 WHERE key = 'rev' RETURNING value"
    ).fetchone()
    return int(row[0])


def get_meta(db: Connection, key: str) -> Any:
    """A value of the meta table, or None."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return row[0] if row else None


def set_meta(db: Connection, key: str, value: str | int | None) -> None:
    """Sets a value of the meta table; None removes it."""
    if value is None:
        db.execute("DELETE FROM meta WHERE key = ?", [key])
    else:
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, value],
        )

"""Store tasks and what belongs to them in one SQLite file, or in memory."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from kling_pipeline.simulator.tasks.task import Task

_SCHEMA = """
CREATE TABLE IF NOT EXISTS task (
    task_id TEXT PRIMARY KEY, external_id TEXT NOT NULL, family TEXT NOT NULL,
    model TEXT NOT NULL, created_at INTEGER NOT NULL, start_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL, end_at INTEGER, outcome TEXT NOT NULL, message TEXT NOT NULL,
    units TEXT NOT NULL, pool TEXT NOT NULL, slots INTEGER NOT NULL, seed INTEGER NOT NULL,
    watermark INTEGER NOT NULL, callback_url TEXT NOT NULL, result TEXT NOT NULL,
    info TEXT NOT NULL, fingerprint TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS task_external ON task (external_id) WHERE external_id <> '';
CREATE INDEX IF NOT EXISTS task_family ON task (family, task_id);
CREATE INDEX IF NOT EXISTS task_end ON task (pool, end_at);
CREATE INDEX IF NOT EXISTS task_print ON task (fingerprint);
CREATE TABLE IF NOT EXISTS request (task_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS spent (pool TEXT NOT NULL, units TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS item (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, created_at INTEGER NOT NULL, value TEXT NOT NULL
) STRICT;
"""
_JSON_COLUMNS = ("result", "info")


class TaskStore:
    """Everything that must survive a crash: tasks, requests to render, spent units, sessions.

    `file` None keeps it in memory. Raises sqlite3.Error when the file cannot be used.
    """

    def __init__(self, file: Path | None) -> None:
        if file is not None:
            file.touch(0o600)
            for side in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    file.with_name(f"{file.name}{side}").chmod(0o600)
        self._db = sqlite3.connect(
            file or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def add(self, task: Task, digest: str, request: str) -> None:
        """Insert a task and, until its media are rendered, its request as JSON."""
        row = {**asdict(task), "fingerprint": digest}
        row |= {name: json.dumps(row[name]) for name in _JSON_COLUMNS}
        marks = ", ".join(f":{name}" for name in row)
        with self._transaction():
            self._db.execute(f"INSERT INTO task ({', '.join(row)}) VALUES ({marks})", row)
            if task.end_at is None:
                self._db.execute("INSERT INTO request VALUES (?, ?)", (task.task_id, request))

    def end(self, task_id: str, at: int, outcome: str, message: str) -> None:
        """Set when (ms) and how a task ended, and forget its request."""
        with self._transaction():
            self._db.execute(
                "UPDATE task SET end_at = max(due_at, ?), outcome = ?, message = ? WHERE task_id = ?",
                (at, outcome, message, task_id),
            )
            self._db.execute("DELETE FROM request WHERE task_id = ?", (task_id,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            # After some errors SQLite has rolled back itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def get(self, task_id: str) -> Task | None:
        """Find a task by its id."""
        return self._one("task_id = ?", task_id)

    def find_by_external_id(self, external_id: str) -> Task | None:
        """Find the newest task with an external id."""
        return self._one("external_id = ? AND external_id <> ''", external_id)

    def other_task_id(self, body: bytes) -> str:
        """Find the id of a task that a response body does not contain."""
        rows = self._db.execute("SELECT task_id FROM task ORDER BY task_id DESC LIMIT 100")
        ids = (str(row[0]) for row in rows)
        return next((id_ for id_ in ids if id_.encode() not in body), "800000000000000001")

    def list_page(self, family: str, number: int, size: int) -> list[Task]:
        """List a page of an endpoint's tasks, newest first; page numbers start at 1."""
        return self._many(
            "family = ? ORDER BY task_id DESC LIMIT ? OFFSET ?", family, size, size * (number - 1)
        )

    def created_between(self, start: int, end: int, before: str, size: int) -> list[Task]:
        """List tasks created from `start` to `end` (ms), newest first, older than the id `before`."""
        return self._many(
            "created_at BETWEEN ? AND ? AND task_id < ? ORDER BY task_id DESC LIMIT ?",
            start,
            end,
            before or "9",
            size,
        )

    def all_tasks(self) -> list[Task]:
        """List every task, oldest first."""
        return self._many("1 ORDER BY task_id")

    def unrendered(self) -> Iterator[tuple[Task, dict[str, Any]]]:
        """Yield the tasks whose media are not rendered yet, with the bodies of their requests."""
        for row in self._db.execute("SELECT task_id, body FROM request").fetchall():
            task = self.get(row["task_id"])
            if task is not None:
                yield task, json.loads(row["body"])

    def count_equal(self, digest: str) -> int:
        """Count the tasks with the same fingerprint."""
        rows = self._db.execute("SELECT count(*) FROM task WHERE fingerprint = ?", (digest,))
        return int(rows.fetchone()[0])

    def slots_taken(self, pool: str, now: int) -> int:
        """Add up the slots of tasks that have not ended."""
        rows = self._db.execute(
            "SELECT coalesce(sum(slots), 0) FROM task "
            "WHERE pool = ? AND (end_at IS NULL OR end_at > ?)",
            (pool, now),
        )
        return int(rows.fetchone()[0])

    def units_taken(self, pool: str) -> Decimal:
        """Add up the units of tasks that have not failed and of synchronous calls."""
        rows = self._db.execute(
            "SELECT coalesce(sum(CAST(units AS REAL)), 0) FROM ("
            "SELECT units FROM task WHERE pool = ? AND outcome <> 'failed' "
            "UNION ALL SELECT units FROM spent WHERE pool = ?)",
            (pool, pool),
        )
        return round(Decimal(rows.fetchone()[0]), 3)

    def spend(self, pool: str, units: str) -> None:
        """Record the units of a synchronous call."""
        self._db.execute("INSERT INTO spent VALUES (?, ?)", (pool, units))

    def setting(self, name: str, default: str) -> str:
        """Return the stored value of a name; store and return `default` if there is none."""
        self._db.execute("INSERT OR IGNORE INTO note VALUES (?, ?)", (name, default))
        return str(self._db.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()[0])

    def put_record(self, kind: str, id_: str, at: int, value: Mapping[str, Any]) -> None:
        """Store a session, a video or a sound under its id, in place of an earlier one."""
        self._db.execute(
            "INSERT INTO item VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET value = excluded.value",
            (id_, kind, at, json.dumps(dict(value))),
        )

    def find_record(self, kind: str, id_: str, since: int) -> dict[str, Any] | None:
        """Find what is stored under an id, unless it is older than `since` (ms)."""
        row = self._db.execute(
            "SELECT value FROM item WHERE id = ? AND kind = ? AND created_at >= ?",
            (id_, kind, since),
        ).fetchone()
        return None if row is None else dict(json.loads(row["value"]))

    def _one(self, where: str, *values: object) -> Task | None:
        found = self._many(f"{where} ORDER BY task_id DESC LIMIT 1", *values)
        return found[0] if found else None

    def _many(self, where: str, *values: object) -> list[Task]:
        rows = self._db.execute(f"SELECT * FROM task WHERE {where}", values)
        return [_task(dict(row)) for row in rows]


def _task(row: dict[str, Any]) -> Task:
    row.pop("fingerprint")
    row |= {name: json.loads(row[name]) for name in _JSON_COLUMNS}
    return Task(**{**row, "watermark": bool(row["watermark"])})

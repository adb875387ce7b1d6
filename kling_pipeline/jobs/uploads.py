"""Uploads: how much space they may take, and how long an unused one stays."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kling_pipeline.errors import BusyError, StorageError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.storage.disk import MB
from kling_pipeline.storage.store import Connection

UNUSED_DAYS = 7
_DAY = 86_400.0
_ASSET = re.compile(r"as_[0-9a-f]{32}")
# Where a file's id may stand. An ended session cannot be gone on with, so it holds nothing.
_REFERENCES = (
    "SELECT params, request, checkpoint FROM job",
    "SELECT params, frozen, step_results FROM session WHERE expires_at > :now",
)
_AT_ONCE = 500
_LEAST = 16 * 1024  # bytes that the smallest file takes, with its folder, its poster and its row


def check_space(
    engine: Engine, owner: str, expected: int, *, arrived: int = 0, cached: bool = True
) -> None:
    """StorageError where so many more bytes would go below the floor (`disk_full`) or over the owner's quota.

    The quota counts what the owner has uploaded, what has `come` of uploads under way, and with `cached` what Gradio
    holds, a small file as what it takes of the disk; results are not counted. The disk counts for itself what has come.
    """
    engine.check_floor(expected)
    if engine.settings.quota is None:
        return
    pending = arrived + (_size(engine.cache) if cached else 0)
    with engine.store.read() as db:
        check_quota(db, engine, owner, expected, pending)


def check_quota(
    db: Connection, engine: Engine, owner: str, expected: int, pending: int = 0
) -> None:
    """StorageError where so many bytes, beside rows and what else is `held`, are more than the owner may keep."""
    quota = engine.settings.quota
    if quota is None:
        return
    used = (
        pending
        + db.execute(
            """SELECT coalesce(sum(CASE WHEN bytes < ? THEN ? ELSE bytes END), 0) FROM asset
               WHERE owner = ? AND role = 'upload'""",
            [_LEAST, _LEAST, owner],
        ).fetchone()[0]
    )
    if used + expected > quota:
        raise StorageError(
            f"Your uploads take {used / MB:.1f} MB of {quota / MB:.1f} MB, and this one has {expected / MB:.1f} MB. "
            "Nothing was kept.",
            code="quota_exceeded",
            next=f"Uploads that nothing uses go after {UNUSED_DAYS} days. Use a smaller file, "
            "or raise STUDIO_QUOTA_MB.",
        )


def renew_uploads(engine: Engine, owner: str, params: Any) -> None:
    """Note that files which stand in params are in use; written at most once a day for each."""
    ids = sorted(set(_asset_ids(params)))
    if not ids:
        return
    now = engine.now()
    marks = ", ".join("?" * len(ids))
    given = [owner, now - engine.wait(_DAY), *ids]
    old = f"FROM asset WHERE owner = ? AND used_at < ? AND id IN ({marks})"
    with engine.store.read() as db:
        if db.execute(f"SELECT 1 {old} LIMIT 1", given).fetchone() is None:
            return
    update = f"UPDATE asset SET used_at = ? WHERE id IN (SELECT id {old})"
    # A price can be told although nothing can be written.
    with contextlib.suppress(StorageError, BusyError):
        engine.store.write(lambda db: db.execute(update, [now, *given]))


def expire_uploads(engine: Engine) -> list[str]:
    """Forget uploads that nothing has referred to for a week; the paths of their files, which others may share."""
    now = engine.now()
    latest = now - engine.wait(UNUSED_DAYS * _DAY)
    with engine.store.read() as db:
        rows = db.execute(
            "SELECT id, path FROM asset WHERE role = 'upload' AND used_at < ? ORDER BY used_at LIMIT ?",
            [latest, _AT_ONCE],
        ).fetchall()
        paths = {row["id"]: row["path"] for row in rows}
        used = _referenced(db, now) & paths.keys() if paths else set()
    if not paths:
        return []

    def write(db: Connection) -> list[str]:
        db.executemany("UPDATE asset SET used_at = ? WHERE id = ?", [(now, one) for one in used])
        gone = []
        for one in paths.keys() - used:
            # Whoever begins to use a file renews it first, so that it is not taken away meanwhile.
            found = db.execute("DELETE FROM asset WHERE id = ? AND used_at < ?", [one, latest])
            gone += [paths[one]] * found.rowcount
        return gone

    return engine.store.write(write)


def _referenced(db: Connection, now: int) -> set[str]:
    found: set[str] = set()
    for question in _REFERENCES:
        for row in db.execute(question, {"now": now}):
            found.update(_ASSET.findall("\n".join(row)))
    return found


def _asset_ids(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _ASSET.fullmatch(value):
            yield value
        return
    inner: Iterable[Any] = ()
    if isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    for one in inner:
        yield from _asset_ids(one)


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        # Another request may move it at this moment.
        with contextlib.suppress(OSError):
            total += max(file.stat().st_size, _LEAST) if file.is_file() else 0
    return total

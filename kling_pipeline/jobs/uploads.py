"""Stored files: uploads are checked and kept, found again by id, and forgotten when nothing refers to them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kling_pipeline.errors import BusyError, NotFound, StorageError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.media.files import Facts, inspect_upload, store_file
from kling_pipeline.storage.disk import MB, storing
from kling_pipeline.storage.store import Connection

ASSET = "as_"  # not in the Base64 alphabet, so an asset id is never mistaken for a picture
UNUSED_DAYS = 7
_DAY = 86_400.0
_ASSET = re.compile(r"as_[0-9a-f]{32}")
# Where a file's id may stand. An ended session cannot be gone on with, so it holds nothing.
_REFERENCES = (
    "SELECT params, request, checkpoint FROM job",
    "SELECT params, frozen, step_results FROM session WHERE expires_at > :now",
)
_AT_ONCE = 500
_TRIES = 5
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
        _require_quota(db, engine, owner, expected, pending)


def _require_quota(
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


def keep_upload(
    engine: Engine,
    owner: str,
    data: bytes | Path,
    facts: Facts | None = None,
    *,
    paid: bool = False,
) -> dict[str, Any]:
    """Check and store an uploaded file; `{id, kind, width, height, duration, bytes}`; InputError if it is none.

    `facts` are those of a file that was looked at already.
    StorageError, before a byte is written, where there is no room for it; what was paid for is kept while it can be.
    """
    facts = facts or inspect_upload(data)
    path = f"{facts.sha256[:2]}/{facts.sha256}{facts.suffix}"  # where store_file puts it
    row = engine.store.write(lambda db: _renew(db, engine, owner, facts))
    if row is None and not paid:
        check_space(engine, owner, facts.bytes, cached=False)
    with storing():
        # Swept between the file and its row, if nothing knew it and it was old: then once more.
        for _ in range(_TRIES):
            if row is not None:
                break
            _store(engine, data, facts)
            row = engine.store.write(lambda db: _insert(db, engine, owner, facts, path, paid))
    if row is None:
        raise StorageError("Nothing was kept: the file is gone as soon as it is stored.")
    return {name: row[name] for name in ("id", "kind", "width", "height", "duration", "bytes")}


def find_asset(db: Connection, asset_id: str, owner: str) -> dict[str, Any]:
    """Return an asset row of this owner; NotFound also when it is somebody else's."""
    row = db.execute("SELECT * FROM asset WHERE id = ? AND owner = ?", [asset_id, owner]).fetchone()
    if row is None:
        raise NotFound("There is no such file.")
    return dict(row)


def find_assets(engine: Engine, owner: str, params: Any) -> dict[str, dict[str, Any]]:
    """Return the asset rows of this owner that params name, by id; note at most once a day that they are in use."""
    ids = sorted(set(_asset_ids(params)))
    if not ids:
        return {}
    rows = _read_assets(engine, owner, ids)
    old = engine.now() - engine.wait(_DAY)
    if all(row["used_at"] >= old for row in rows.values()):
        return rows
    marks = ", ".join("?" * len(rows))
    update = f"UPDATE asset SET used_at = ? WHERE owner = ? AND used_at < ? AND id IN ({marks})"
    # A price can be told although nothing can be written.
    with contextlib.suppress(StorageError, BusyError):
        engine.store.write(lambda db: db.execute(update, [engine.now(), owner, old, *rows]))
    # One that was not used for a week may have been swept meanwhile.
    return _read_assets(engine, owner, ids)


def _read_assets(engine: Engine, owner: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    marks = ", ".join("?" * len(ids))
    with engine.store.read() as db:
        found = db.execute(
            f"SELECT * FROM asset WHERE owner = ? AND id IN ({marks})", [owner, *ids]
        )
        return {row["id"]: dict(row) for row in found}


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


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        # Another request may move it at this moment.
        with contextlib.suppress(OSError):
            total += max(file.stat().st_size, _LEAST) if file.is_file() else 0
    return total


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


def _renew(db: Connection, engine: Engine, owner: str, facts: Facts) -> dict[str, Any] | None:
    """Return the upload of the same content that this owner has already, in use again, if its file is there."""
    row = db.execute(
        "SELECT * FROM asset WHERE owner = ? AND sha256 = ? AND role = 'upload'",
        [owner, facts.sha256],
    ).fetchone()
    if row is None or not (engine.assets / row["path"]).exists():
        return None
    db.execute("UPDATE asset SET used_at = ? WHERE id = ?", [engine.now(), row["id"]])
    return dict(row)


def _insert(
    db: Connection, engine: Engine, owner: str, facts: Facts, path: str, paid: bool
) -> dict[str, Any] | None:
    """Insert the row of a stored file; None when the file is gone, so that no row is ever without one."""
    if not (engine.assets / path).exists():
        return None
    if (same := _renew(db, engine, owner, facts)) is not None:
        return same
    if not paid:
        _check_quota(db, engine, owner, facts, path)
    row = db.execute(
        """INSERT INTO asset (id, owner, role, kind, mime, sha256, path, bytes, width, height,
               duration, fps, created_at, used_at)
           VALUES (?, ?, 'upload', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *""",
        [
            ASSET + secrets.token_hex(16), owner, facts.kind, facts.mime, facts.sha256, path,
            facts.bytes, facts.width, facts.height, facts.duration, facts.fps, engine.now(),
            engine.now(),
        ],
    ).fetchone()  # fmt: skip
    return dict(row)


def _check_quota(db: Connection, engine: Engine, owner: str, facts: Facts, path: str) -> None:
    """Once more, where one comes after the other: many at once were each told that there is room."""
    try:
        _require_quota(db, engine, owner, facts.bytes)
    except StorageError:
        if db.execute("SELECT 1 FROM asset WHERE path = ?", [path]).fetchone() is None:
            (engine.assets / path).unlink(missing_ok=True)
        raise


def _store(engine: Engine, data: bytes | Path, facts: Facts) -> None:
    part = engine.incoming / secrets.token_hex(8)
    try:
        if isinstance(data, bytes):
            part.write_bytes(data)
        else:
            _copy(data, part)
        store_file(part, engine.assets, facts.sha256, facts.suffix)
    finally:
        part.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
